using System.Diagnostics;
using Dolmen.Artifacts;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Benchmarks;

/// <summary>Every fused kernel, forward and backward in fp32 and bf16, beside the libtorch composition it replaces: same inputs, in
/// turns.</summary>
internal sealed class KernelBenchmark : Benchmark
{
    private const int FewestRounds = 3;
    private const int MostRounds = 15;
    private const double SecondsPerCase = 2;
    private const double WarmUpSeconds = 0.6;
    private const double LongestWarmUpSeconds = 3;
    private const int WarmUpTurns = 40;                                  // the runtime compiles for good after 30 calls

    public override string Name => "kernels";

    public override string Description => "forward and backward of each fused kernel against the libtorch operations it replaces";

    public override IEnumerable<BenchmarkRow> Run(IProgress<StageProgress> progress, CancellationToken stop)
    {
        var done = 0;
        foreach (var kernel in KernelCase.All)
        {
            foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
            {
                stop.ThrowIfCancellationRequested();
                progress.Report(new StageProgress("bench kernels", done++, KernelCase.All.Count * 2, "cases", kernel.Name));
                using var scope = NewDisposeScope();
                var race = kernel.Prepare(type);
                var rounds = (int)Math.Clamp(SecondsPerCase / WarmUp(race), FewestRounds, MostRounds);
                var (ours, theirs) = (new double[rounds], new double[rounds]);
                for (var round = 0; round < rounds; round++)
                    (ours[round], theirs[round]) = (Seconds(race.Ours) * 1e3, Seconds(race.Theirs) * 1e3);
                race.Release?.Invoke();
                var (mine, rival) = (Measured.Of(ours), Measured.Of(theirs));
                var precision = type is ScalarType.BFloat16 ? "bf16" : "fp32";
                yield return new(
                    $"{kernel.Name} {precision}, {kernel.Size} ({rival.Median:0.###} ms)",
                    mine.Median,
                    "ms",
                    kernel.Rival,
                    rival.Median / mine.Median,
                    rounds,
                    mine.Spread
                );
            }
        }
    }

    /// <summary>Ours until its code is compiled for good (the first case of a process would be measured at a third of its speed), then both
    /// in turn until caches have settled; returns the seconds of the last turn.</summary>
    private static double WarmUp(KernelRace race)
    {
        var start = Stopwatch.GetTimestamp();
        for (var turn = 0; turn < WarmUpTurns && Stopwatch.GetElapsedTime(start).TotalSeconds < LongestWarmUpSeconds; turn++)
            Seconds(race.Ours);
        start = Stopwatch.GetTimestamp();
        double seconds;
        do seconds = Seconds(race.Ours) + Seconds(race.Theirs);
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < WarmUpSeconds);
        return seconds;
    }

    private static double Seconds(Action run)
    {
        using var scope = NewDisposeScope();
        var start = Stopwatch.GetTimestamp();
        run();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
