using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Modeling;

namespace Dolmen.Benchmarks;

/// <summary>One token at a time at context 128, with fp32 weights: on all cores against one, and with one of the cores taken by another
/// program against all of them quiet.</summary>
internal sealed class DecodeBenchmark : Benchmark
{
    private const int Context = 128;
    private const int Rounds = 5;
    private const double SecondsPerRun = 0.5;

    public override string Name => "decode";

    public override string Description => "decoding tokens/s of ours (1M, 10M, 30M parameters), and what is left of it beside a busy core";

    public override IEnumerable<BenchmarkRow> Run(IProgress<StageProgress> progress, CancellationToken stop)
    {
        foreach (var (name, config) in ModelSizes.All)
        {
            using var trained = TrainableModel.Build(config, Compute.Host());
            trained.Parameters.Initialize(1);
            var tensors = trained.Export().ToDictionary(tensor => tensor.Name, tensor => tensor.Values, StringComparer.Ordinal);
            using var all = new DecoderModel(config, tensor => tensors[tensor]);
            using var single = new DecoderModel(config, tensor => tensors[tensor], threads: 1);
            List<double> quiet = [], contended = [], alone = [];
            for (var round = 0; round < Rounds; round++)
            {
                progress.Report(new StageProgress($"bench decode {name}", round, Rounds, "rounds", ""));
                quiet.Add(TokensPerSecond(all, config, stop));
                alone.Add(TokensPerSecond(single, config, stop));
                using var busy = new BusyCore();
                contended.Add(TokensPerSecond(all, config, stop));
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
        }
    }

    private static double TokensPerSecond(DecoderModel model, DecoderConfig config, CancellationToken stop)
    {
        var random = new StableRandom(2);
        var prompt = Enumerable.Range(0, Context).Select(_ => random.Next(config.VocabSize)).ToArray();
        var logits = new float[config.VocabSize];
        using var held = model.NewState(2 * Context);
        model.Prefill(prompt, held, logits);
        var (tokens, clock) = (0, Stopwatch.StartNew());
        while (clock.Elapsed.TotalSeconds < SecondsPerRun)
        {
            stop.ThrowIfCancellationRequested();
            using var state = held.Fork();
            for (var i = 0; i < Context / 2; i++, tokens++) model.Step(prompt[i], state, logits);
        }
        return tokens / clock.Elapsed.TotalSeconds;
    }
}
