using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;
using Dolmen.Inference;

namespace Dolmen.Benchmarks;

/// <summary>From a file to the first token, and other weights into a model that is loaded, with random weights. Files have just been
/// written: the system still holds them.</summary>
internal sealed class LoadBenchmark : Benchmark
{
    private const int Rounds = 5;

    /// <summary>Milliseconds that a hundred megabytes may take.</summary>
    private const double MostPerHundred = 1000;

    public override string Name => "load";

    public override string Description =>
        "milliseconds until the first token of GGUF and safetensors files, and of giving a model other weights; --only 135M for a part";

    public override bool HasParts => true;

    public override IEnumerable<BenchmarkRow> Run(IProgress<StageProgress> progress, CancellationToken stop) =>
        Run(new BenchmarkInputs([], null, []), progress, stop);

    public override IEnumerable<BenchmarkRow> Run(BenchmarkInputs inputs, IProgress<StageProgress> progress, CancellationToken stop)
    {
        if (inputs.Paths.Count > 0 || inputs.Model is not null)
            throw new UserErrorException("--input and --model are nothing to the benchmark load: leave them out.");
        var rounds = inputs.Rounds ?? Rounds;
        foreach (var (name, config) in DecodeRace.Models.Where(model => inputs.Wants(model.Name)))
        {
            progress.Report(new StageProgress($"bench load {name}", 0, 1, "models", ""));
            var folder = Directory.CreateTempSubdirectory("dolmen-bench-").FullName;
            try
            {
                foreach (var row in Run(name, config, folder, rounds, stop)) yield return row;
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private static IEnumerable<BenchmarkRow> Run(string name, DecoderConfig config, string folder, int rounds, CancellationToken stop)
    {
        foreach (var type in DecodeRace.Types)
        {
            var path = Path.Combine(folder, $"{type}.gguf");
            GgufExport.Write(path, name, config, DecodeRace.Values, [("tokenizer.ggml.model", GgufValue.Of("none"))], type);
            yield return Loading($"{name}: {type.Name()} in GGUF", path, rounds, () =>
            {
                using var file = GgufModel.Open(path);
                return DecoderModel.Load(file);
            }, stop);
            File.Delete(path);
        }
        var shapes = config.Tensors();
        var tensors = shapes.ToDictionary(shape => shape.Name, DecodeRace.Values, StringComparer.Ordinal);
        var weights = Path.Combine(folder, "model.safetensors");
        SafetensorsWriter.Write(
            weights, shapes, shapes.Select(shape => new NamedTensor(shape.Name, shape.Shape, tensors[shape.Name])), TensorDtype.BFloat16);
        yield return Loading($"{name}: bf16 in safetensors", weights, rounds, () => DecoderModel.Load(folder, config), stop);
        using var model = new DecoderModel(config, tensor => tensors[tensor]);
        var times = new List<double>();
        for (var round = 0; round <= rounds; round++)
        {
            stop.ThrowIfCancellationRequested();
            var clock = Stopwatch.StartNew();
            model.Reload(tensor => tensors[tensor]);
            if (round > 0) times.Add(clock.Elapsed.TotalMilliseconds);
        }
        var measured = Measured.Of(times);
        // 20 ms at 1.3 million parameters, a second at a hundred million.
        var most = config.Parameters < 1e7 ? 20 : config.Parameters / 1e8 * 1000;
        yield return new BenchmarkRow(
            $"{name}: other weights, float32", measured.Median, "ms", $"at most {most:0} ms", most / measured.Median, rounds,
            measured.Spread);
    }

    private static BenchmarkRow Loading(string name, string path, int rounds, Func<DecoderModel> load, CancellationToken stop)
    {
        var times = new List<double>();
        for (var round = 0; round <= rounds; round++)
        {
            stop.ThrowIfCancellationRequested();
            var clock = Stopwatch.StartNew();
            using var model = load();
            using var state = model.NewState(2);
            model.Step(1, state, new float[model.Config.VocabSize]);
            if (round > 0) times.Add(clock.Elapsed.TotalMilliseconds);   // the first compiles
        }
        var (measured, megabytes) = (Measured.Of(times), new FileInfo(path).Length / 1e6);
        var most = Math.Max(1, megabytes / 100) * MostPerHundred;
        return new BenchmarkRow($"{name}, {megabytes:0} MB, to the first token", measured.Median, "ms", $"at most {most:0} ms",
            most / measured.Median, rounds, measured.Spread);
    }
}
