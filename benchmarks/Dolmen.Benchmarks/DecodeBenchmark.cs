using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Modeling;

namespace Dolmen.Benchmarks;

/// <summary>Beside llama.cpp, see <see cref="DecodeRace"/>. And ours alone, one token at a time at context 128 with fp32 weights: on all
/// cores against one, with one of the cores taken by another program against all of them quiet, and eight sequences in one pass against
/// one.</summary>
internal sealed class DecodeBenchmark : Benchmark
{
    private const int Context = 128;
    private const int Batch = 8;
    private const int Rounds = 5;
    private const double SecondsPerRun = 0.5;

    public override string Name => "decode";

    public override string Description =>
        "prefill and decoding tokens/s beside llama.cpp, and of ours alone; --only 30M or --only Q8_0 or --only alone for a part";

    public override bool HasParts => true;

    public override IEnumerable<BenchmarkRow> Run(IProgress<StageProgress> progress, CancellationToken stop) =>
        Run(new BenchmarkInputs([], null, []), progress, stop);

    public override IEnumerable<BenchmarkRow> Run(BenchmarkInputs inputs, IProgress<StageProgress> progress, CancellationToken stop)
    {
        if (inputs.Paths.Count > 0 || inputs.Model is not null)
            throw new UserErrorException("--input and --model are nothing to the benchmark decode: leave them out.");
        var race = new DecodeRace(Roofline.Measure(), TorchSharp.torch.get_num_threads());
        foreach (var (name, config) in DecodeRace.Models)
        {
            foreach (var type in DecodeRace.Types.Where(type => inputs.Wants(DecodeRace.Case(name, type))))
            {
                foreach (var row in race.Run(name, config, type, progress, stop)) yield return row;
            }
        }
        foreach (var row in Alone(inputs, progress, stop)) yield return row;
    }

    private static IEnumerable<BenchmarkRow> Alone(BenchmarkInputs inputs, IProgress<StageProgress> progress, CancellationToken stop)
    {
        var transformers = ModelSizes.All.Select(size => (size.Name, (DecoderConfig)size.Config));
        foreach (var (name, config) in transformers.Concat(ModelSizes.StateSpace).Where(model => inputs.Wants($"{model.Name} alone")))
        {
            using var trained = TrainableModel.Build(config, Compute.Host());
            trained.Parameters.Initialize(1);
            var tensors = trained.Export().ToDictionary(tensor => tensor.Name, tensor => tensor.Values, StringComparer.Ordinal);
            using var all = new DecoderModel(config, tensor => tensors[tensor]);
            using var single = new DecoderModel(config, tensor => tensors[tensor], threads: 1);
            List<double> quiet = [], contended = [], alone = [], together = [], aloneTogether = [];
            for (var round = 0; round < Rounds; round++)
            {
                progress.Report(new StageProgress($"bench decode {name}", round, Rounds, "rounds", ""));
                quiet.Add(TokensPerSecond(all, config, 1, stop));
                together.Add(TokensPerSecond(all, config, Batch, stop));
                alone.Add(TokensPerSecond(single, config, 1, stop));
                aloneTogether.Add(TokensPerSecond(single, config, Batch, stop));
                using var busy = new BusyCore();
                contended.Add(TokensPerSecond(all, config, 1, stop));
            }
            var (many, one, beside) = (Measured.Of(quiet), Measured.Of(alone), Measured.Of(contended));
            yield return new(
                $"{name}: decode",
                many.Median,
                "tokens/s",
                $"one thread ({one.Median:0})",
                many.Median / one.Median,
                Rounds,
                many.Spread
            );
            yield return new(
                $"{name}: decode, contended",
                beside.Median,
                "tokens/s",
                "quiet",
                beside.Median / many.Median,
                Rounds,
                beside.Spread
            );
            yield return Reloading(name, config, all, tensors, stop);
            yield return Batched($"{name}: decode, batch {Batch}", together, many.Median);
            yield return Batched($"{name}: decode, batch {Batch}, one thread", aloneTogether, one.Median);
        }
    }

    /// <summary>Taking other weights against building the model with them.</summary>
    private static BenchmarkRow Reloading(
        string name, DecoderConfig config, DecoderModel model, Dictionary<string, float[]> tensors, CancellationToken stop)
    {
        List<double> reloading = [], building = [];
        for (var round = 0; round < Rounds; round++)
        {
            stop.ThrowIfCancellationRequested();
            var clock = Stopwatch.StartNew();
            model.Reload(tensor => tensors[tensor]);
            reloading.Add(clock.Elapsed.TotalMilliseconds);
            clock.Restart();
            new DecoderModel(config, tensor => tensors[tensor]).Dispose();
            building.Add(clock.Elapsed.TotalMilliseconds);
        }
        var (measured, built) = (Measured.Of(reloading), Measured.Of(building));
        return new BenchmarkRow(
            $"{name}: reload", measured.Median, "ms", $"building ({built.Median:0.0})", built.Median / measured.Median, Rounds,
            measured.Spread);
    }

    private static BenchmarkRow Batched(string name, List<double> rates, double single)
    {
        var measured = Measured.Of(rates);
        return new BenchmarkRow(name, measured.Median, "tokens/s", "batch 1", measured.Median / single, Rounds, measured.Spread);
    }

    private static double TokensPerSecond(DecoderModel model, DecoderConfig config, int batch, CancellationToken stop)
    {
        var random = new StableRandom(2);
        int[] Prompt() => [.. Enumerable.Range(0, Context).Select(_ => random.Next(config.VocabSize))];
        int[][] prompts = [.. Enumerable.Range(0, batch).Select(_ => Prompt())];
        var logits = Array.ConvertAll(prompts, _ => new float[config.VocabSize]);
        var held = Array.ConvertAll(prompts, _ => model.NewState(2 * Context));
        model.Forward([.. prompts.Select((prompt, i) => new SequenceSlice(held[i], prompt))]);
        var slices = new SequenceSlice[batch];
        var (tokens, clock) = (0, Stopwatch.StartNew());
        while (clock.Elapsed.TotalSeconds < SecondsPerRun)
        {
            stop.ThrowIfCancellationRequested();
            var states = Array.ConvertAll(held, state => state.Fork());
            for (var i = 0; i < Context / 2; i++, tokens += batch)
            {
                for (var row = 0; row < batch; row++)
                    slices[row] = new SequenceSlice(states[row], prompts[row].AsMemory(i, 1)) { Logits = logits[row] };
                model.Forward(slices);
            }
            foreach (var state in states) state.Dispose();
        }
        foreach (var state in held) state.Dispose();
        return tokens / clock.Elapsed.TotalSeconds;
    }
}
