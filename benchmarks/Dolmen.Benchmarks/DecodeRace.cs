using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;
using Dolmen.Inference;
using Dolmen.Modeling;

namespace Dolmen.Benchmarks;

/// <summary>Prefill of 256 tokens and decoding of 128 at context 128, alone and eight sequences at once, of models with random weights from
/// the same GGUF file: ours and llama.cpp by turns. A row says what share of the machine's bandwidth (decode) or of its fp32 products
/// (prefill) ours reaches; energy is that of the decoding, of both processors' counters or assumed.</summary>
internal sealed class DecodeRace(Roofline machine, int threads)
{
    private const int Prompt = 256, Context = 128, Steps = 128, Batch = 8;
    private const int Rounds = 5;
    private const double SecondsPerRun = 0.3;

    public static IReadOnlyList<(string Name, DecoderConfig Config)> Models { get; } =
    [
        .. ModelSizes.All.Select(size => (size.Name, (DecoderConfig)size.Config)),
        ("135M", new TransformerConfig(49152, 576, 30, 9, 3, 64, 1536, 2 * Prompt, 100000)),
        ("mamba 30M", MambaConfig.Of(8192, 512, 16, 2 * Prompt)),
        ("hybrid 30M", new JambaConfig(8192, 512, 8, 8, 8, 1408, 2 * Prompt, 1024, 32, new MixtureConfig(1, 1), 4, 2)),
    ];

    public static IReadOnlyList<GgmlType> Types { get; } = [GgmlType.BF16, GgmlType.Q80, GgmlType.Q40];

    public static string Case(string model, GgmlType type) => $"{model} {type.Name()}";

    public IEnumerable<BenchmarkRow> Run(
        string name, DecoderConfig config, GgmlType type, IProgress<StageProgress> progress, CancellationToken stop)
    {
        var folder = Directory.CreateTempSubdirectory("dolmen-bench-").FullName;
        try
        {
            var path = Path.Combine(folder, "model.gguf");
            GgufExport.Write(path, name, config, Values, [("tokenizer.ggml.model", GgufValue.Of("none"))], type);
            using var file = GgufModel.Open(path);
            using var ours = DecoderModel.Load(file, threads);
            using var theirs = new LlamaCpp(path, Batch, Prompt, threads);
            foreach (var row in Race(Case(name, type), ours, theirs, progress, stop)) yield return row;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private IEnumerable<BenchmarkRow> Race(
        string name, DecoderModel ours, LlamaCpp theirs, IProgress<StageProgress> progress, CancellationToken stop)
    {
        var random = new StableRandom(2);
        int[] prompt = [.. Enumerable.Range(0, Prompt).Select(_ => random.Next(ours.Config.VocabSize))];
        var measures = new[] { "prefill", "decode", $"decode, batch {Batch}" };
        var (mine, other) = (Lists(measures.Length), Lists(measures.Length));
        var energy = "";
        for (var round = 0; round <= Rounds; round++)
        {
            progress.Report(new StageProgress($"bench decode {name}", round, Rounds + 1, "rounds", ""));
            for (var measure = 0; measure < measures.Length; measure++)
            {
                var batch = measure == 2 ? Batch : 1;
                stop.ThrowIfCancellationRequested();
                var a = measure == 0 ? Rate(Prompt, () => Prefill(ours, prompt)) : Decode(ours, prompt, batch);
                var b = measure == 0 ? Rate(Prompt, () => theirs.Prefill(prompt)) : Decode(theirs, prompt, batch);
                if (round == 0) continue;                                // compiling and first touches
                mine[measure].Add(a);
                other[measure].Add(b);
                energy = a.Method;
            }
        }
        for (var measure = 0; measure < measures.Length; measure++)
        {
            var (our, their) = (Tokens(mine[measure]), Tokens(other[measure]));
            var share = measure == 0
                ? $"{our.Median * 2 * ours.Config.Parameters / machine.Float32Flops:P0} of fp32 peak"
                : $"{our.Median / (measure == 2 ? Batch : 1) * ours.WeightBytes / machine.ReadBytesPerSecond:P0} of read bandwidth";
            yield return new BenchmarkRow($"{name}: {measures[measure]} ({share})", our.Median, "tokens/s",
                $"llama.cpp ({their.Median:0})", our.Median / their.Median, Rounds, Math.Max(our.Spread, their.Spread));
        }
        for (var measure = 1; measure < measures.Length; measure++)
        {
            var our = Measured.Of(mine[measure].Select(speed => 1000 * speed.JoulesPerToken));
            var their = Measured.Of(other[measure].Select(speed => 1000 * speed.JoulesPerToken));
            yield return new BenchmarkRow($"{name}: {measures[measure]}, energy ({energy})", our.Median, "mJ/token",
                $"llama.cpp ({their.Median:0.00})", their.Median / our.Median, Rounds, Math.Max(our.Spread, their.Spread));
        }
        var bytes = StateBytes(ours, prompt);
        yield return new BenchmarkRow($"{name}: state of {Prompt} tokens", bytes, "bytes",
            $"llama.cpp ({theirs.StateBytes})", (double)theirs.StateBytes / bytes, 1, 0);
    }

    private static List<Speed>[] Lists(int count) => [.. Enumerable.Range(0, count).Select(_ => new List<Speed>())];

    private static Measured Tokens(List<Speed> speeds) => Measured.Of(speeds.Select(speed => speed.TokensPerSecond));

    private static Speed Rate(int tokens, Action run)
    {
        var (count, meter) = (0, new RunMeter());
        meter.Start();
        while (count == 0 || meter.Seconds < SecondsPerRun)
        {
            run();
            count += tokens;
        }
        meter.Stop();
        return meter.Of(count);
    }

    private static void Prefill(DecoderModel model, int[] prompt)
    {
        using var state = model.NewState(Prompt);
        model.Forward(new SequenceSlice(state, prompt) { Logits = new float[model.Config.VocabSize] });
    }

    private static Speed Decode(DecoderModel model, int[] prompt, int batch)
    {
        var held = Enumerable.Range(0, batch).Select(_ => model.NewState(Context + Steps)).ToArray();
        model.Forward([.. held.Select(state => new SequenceSlice(state, prompt.AsMemory(0, Context)))]);
        var logits = Array.ConvertAll(held, _ => new float[model.Config.VocabSize]);
        var slices = new SequenceSlice[batch];
        var rate = Rate(batch * Steps, () =>
        {
            var states = Array.ConvertAll(held, state => state.Fork());
            for (var i = 0; i < Steps; i++)
            {
                for (var row = 0; row < batch; row++)
                    slices[row] = new SequenceSlice(states[row], prompt.AsMemory(i, 1)) { Logits = logits[row] };
                model.Forward(slices);
            }
            foreach (var state in states) state.Dispose();
        });
        foreach (var state in held) state.Dispose();
        return rate;
    }

    /// <summary>Going back to the context, which recurrent models cannot, counts for neither.</summary>
    private static Speed Decode(LlamaCpp model, int[] prompt, int batch)
    {
        var (tokens, meter) = (0, new RunMeter());
        while (tokens == 0 || meter.Seconds < SecondsPerRun)
        {
            model.Fill(prompt[..Context], batch);
            meter.Start();
            for (var i = 0; i < Steps; i++, tokens += batch) model.Step(prompt[i], Context + i, batch);
            meter.Stop();
        }
        return meter.Of(tokens);
    }

    private static long StateBytes(DecoderModel model, int[] prompt)
    {
        using var state = model.NewState(Prompt);
        model.Forward(new SequenceSlice(state, prompt));
        return state.Bytes;
    }

    /// <summary>Gains of one, the rest small: what is computed with them stays finite.</summary>
    public static float[] Values(TensorShape tensor)
    {
        var random = new StableRandom(StableHash.Of(tensor.Name));
        var values = new float[tensor.Elements];
        Array.Fill(values, 1);
        if (tensor.Shape.Length == 1) return values;
        var width = Math.Sqrt(tensor.Shape[^1]);
        for (var i = 0; i < values.Length; i++) values[i] = (float)((random.NextDouble() - 0.5) / width);
        return values;
    }
}
