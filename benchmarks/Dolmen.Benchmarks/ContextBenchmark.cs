using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Training.Optimizers;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Layers;
using static TorchSharp.torch;

namespace Dolmen.Benchmarks;

/// <summary>What a token costs as the context grows, for each architecture at equal parameters: in training, in prefill, in decoding, and
/// in memory of the decoding state.</summary>
internal sealed class ContextBenchmark : Benchmark
{
    private const int MostRounds = 5;
    private const double SecondsPerCase = 1.5;
    private const int DecodedTokens = 24;

    // Below this many tokens a step is too short to be timed: more rows then.
    private const int TokensPerStep = 4096;

    private const string Baseline = "transformer";

    public override string Name => "context";

    public override string Description => "cost of a token at contexts of 256 to 16,384 for each architecture at equal parameters";

    public override IEnumerable<BenchmarkRow> Run(IProgress<StageProgress> progress, CancellationToken stop)
    {
        var baselines = new Dictionary<string, double>(StringComparer.Ordinal);
        var done = 0;
        var cases = ContextCase.All.Count * ContextCase.Lengths.Count;
        foreach (var contestant in ContextCase.All)
        {
            yield return new($"{contestant.Name}: parameters", contestant.Config.Parameters, "parameters", Baseline, 1, 1, 0);
            foreach (var length in ContextCase.Lengths)
            {
                progress.Report(new StageProgress("bench context", done++, cases, "cases", $"{contestant.Name} at {length:N0}"));
                foreach (var (measure, unit, measured) in Measure(contestant, length, SecondsPerCase, stop))
                {
                    var key = $"{measure} {length}";
                    if (contestant.Name == Baseline) baselines[key] = measured.Median;
                    var ratio = measured.Median == 0 ? 0 : baselines[key] / measured.Median;
                    yield return new(
                        $"{contestant.Name}: {measure} at {length}",
                        measured.Median,
                        unit,
                        Baseline,
                        ratio,
                        measured.Runs,
                        measured.Spread
                    );
                }
            }
        }
    }

    public override IEnumerable<(string File, string Svg)> Plots(IReadOnlyList<BenchmarkRow> rows)
    {
        foreach (
            var (measure, title, axis) in new[]
            {
                ("train", "Training", "milliseconds a token"),
                ("prefill", "Prefill", "milliseconds a token"),
                ("decode", "Decoding", "milliseconds a token"),
                ("state", "Decoding state", "bytes a sequence"),
            }
        )
        {
            var series = new List<(string, IReadOnlyList<(double, double)>)>();
            foreach (var contestant in ContextCase.All)
            {
                var points = new List<(double, double)>();
                foreach (var length in ContextCase.Lengths)
                {
                    if (rows.FirstOrDefault(row => row.Case == $"{contestant.Name}: {measure} at {length}") is { Value: > 0 } row)
                        points.Add((length, row.Value));
                }
                if (points.Count > 0) series.Add((contestant.Name, points));
            }
            yield return ($"context-{measure}.svg", LogChart.Svg($"{title}: cost against context", "context, tokens", axis, series));
        }
    }

    /// <param name="seconds">For each figure; at least one run after the first is counted.</param>
    internal static IEnumerable<(string Measure, string Unit, Measured Value)> Measure(
        ContextCase contestant,
        int length,
        double seconds,
        CancellationToken stop
    )
    {
        using var trained = TrainableModel.Build(contestant.Config, Compute.Choose(Precision.Auto, contestant.Config));
        trained.Parameters.Initialize(1);
        yield return ("train", "ms/token", Train(trained, length, seconds, stop));
        var tensors = trained.Export().ToDictionary(tensor => tensor.Name, tensor => tensor.Values, StringComparer.Ordinal);
        using LanguageModel decoder = contestant.Config is Seq2SeqConfig pairs
            ? EncoderDecoderModel.Build(pairs, name => tensors[name])
            : new DecoderModel((DecoderConfig)contestant.Config, name => tensors[name]);
        var random = new StableRandom(2);
        var prompt = Enumerable.Range(0, length).Select(_ => random.Next(contestant.Config.VocabSize)).ToArray();
        var logits = new float[contestant.Config.VocabSize];
        yield return ("prefill", "ms/token", Repeat(length, seconds, () =>
        {
            using var state = decoder.NewState(length);
            Take(decoder, prompt, state, logits);
        }, stop));
        using var held = decoder.NewState(length + DecodedTokens);
        Take(decoder, prompt, held, logits);
        yield return ("decode", "ms/token", Repeat(DecodedTokens, seconds, () =>
        {
            using var state = held.Fork();
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < DecodedTokens; i++) decoder.Step(prompt[i], state, logits);
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }, stop));
        var bytes = contestant.Config.StateBytes(length, sizeof(float));
        yield return ("state", "bytes", new Measured(bytes, 0, 1));
    }

    /// <summary>A prompt is a decoder's past; to an encoder–decoder it is the source.</summary>
    private static void Take(LanguageModel model, int[] prompt, DecodeState state, float[] logits)
    {
        if (model is EncoderDecoderModel pairs) pairs.Encode(prompt, state);
        else model.Prefill(prompt, state, logits);
    }

    private static Measured Train(TrainableModel model, int length, double seconds, CancellationToken stop)
    {
        var rows = Math.Max(1, TokensPerStep / length);
        var random = new StableRandom(3);
        var tokens = Enumerable.Range(0, rows * length).Select(_ => (long)random.Next(model.Config.VocabSize)).ToArray();
        var step = 0;
        using var optimizer = new AdamWRecipe(1e-4).Build(model.Parameters);
        return Repeat(rows * length, seconds, () =>
        {
            using var scope = NewDisposeScope();
            model.Parameters.Backward(Loss(model, tokens, rows, length), first: true);
            optimizer.Step(++step, 1, 1);
        }, stop);
    }

    /// <summary>Half a sequence is the source and half the target where there are two.</summary>
    private static Tensor Loss(TrainableModel model, long[] tokens, int rows, int length)
    {
        var scale = 1.0 / (rows * length);
        if (model is LanguageDecoder decoder)
        {
            var batch = tensor(tokens, [rows, length]);                         // (B, T)
            return decoder.Loss(batch, batch, scale);
        }
        var pairs = (SequencePairModel)model;
        var half = tokens[..(rows * length / 2)];
        return pairs.Loss(new PairBatch(half, [.. Enumerable.Repeat(length / 2, rows)], half, half), 2 * scale);
    }

    private static Measured Repeat(int tokens, double seconds, Action action, CancellationToken stop) => Repeat(tokens, seconds, () =>
    {
        var start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }, stop);

    /// <summary>Milliseconds a token: one run to warm up, then as many as the time allows.</summary>
    private static Measured Repeat(int tokens, double seconds, Func<double> run, CancellationToken stop)
    {
        var warm = run();
        var rounds = (int)Math.Clamp(seconds / Math.Max(1e-9, warm), 1, MostRounds);
        var values = new List<double>();
        for (var i = 0; i < rounds; i++)
        {
            stop.ThrowIfCancellationRequested();
            values.Add(run() * 1e3 / tokens);
        }
        return Measured.Of(values);
    }
}
