using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Modeling;

namespace Dolmen.Benchmarks;

/// <summary>
/// Training throughput at context 256: the same model from the same weights on the same tokens, in turns: plain TorchSharp in each
/// arithmetic it has, and ours in each of ours. What the measured choice takes is compared with the best of the plain paths. The losses
/// after the last step show that all learn the same.
/// </summary>
internal sealed class TrainBenchmark : Benchmark
{
    private const int WarmupSteps = 3;
    private const int Rounds = 5;
    private const double FlopsPerRun = 1.5e11;

    public override string Name => "train";

    public override string Description =>
        "training tokens/s of ours against the best of plain TorchSharp's paths (1M, 10M, 30M; Mamba, Mamba-2, a hybrid), and beside a "
            + "busy core";

    public override IEnumerable<BenchmarkRow> Run(IProgress<StageProgress> progress, CancellationToken stop)
    {
        foreach (var (name, config) in ModelSizes.All)
        {
            List<OurContestant> ours = [.. ComputePath.Candidates.Select(arithmetic => OurContestant.On(config, arithmetic))];
            var weights = ours[0].Weights().ToList();
            List<TrainContestant> plain =
            [
                .. ComputePath.Candidates.Where(arithmetic => arithmetic != Precision.Float32Packed)
                    .Select(arithmetic => new PlainContestant(config, weights, arithmetic)),
            ];
            foreach (var row in Compare(name, config, plain, ours, progress, stop)) yield return row;
        }
        foreach (var (name, config) in ModelSizes.StateSpace)
        {
            List<Precision> arithmetics = [Precision.Float32, .. ComputePath.HasNativeBFloat16 ? (Precision[])[Precision.BFloat16] : []];
            List<OurContestant> ours = [.. ComputePath.Candidates.Select(arithmetic => OurContestant.On(config, arithmetic))];
            List<TrainContestant> plain = [.. arithmetics.Select(arithmetic => OurContestant.InPlainOperations(config, arithmetic))];
            foreach (var row in Compare(name, config, plain, ours, progress, stop)) yield return row;
        }
        foreach (var row in Contended(progress, stop)) yield return row;
    }

    private static IEnumerable<BenchmarkRow> Compare(
        string name,
        ModelConfig config,
        List<TrainContestant> plain,
        List<OurContestant> ours,
        IProgress<StageProgress> progress,
        CancellationToken stop
    )
    {
        List<TrainContestant> contestants = [.. plain, .. ours];
        var steps = StepsPerRun(config);
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var contestant in contestants)
            {
                stop.ThrowIfCancellationRequested();
                progress.Report(
                    new StageProgress(
                        $"bench {name}",
                        round * contestants.Count + contestants.IndexOf(contestant),
                        Rounds * contestants.Count,
                        "runs",
                        contestant.Name
                    )
                );
                contestant.Speeds.Add(contestant.Measure(steps, warmup: round == 0 ? WarmupSteps : 1));
            }
        }
        var rival = plain.MaxBy(contestant => Measured.Of(contestant.Speeds).Median)!;
        var theirs = Measured.Of(rival.Speeds).Median;
        foreach (var contestant in contestants)
        {
            var speed = Measured.Of(contestant.Speeds);
            yield return new(
                $"{name}: {contestant.Name}",
                speed.Median,
                "tokens/s",
                $"best plain: {rival.Name}",
                speed.Median / theirs,
                speed.Runs,
                speed.Spread
            );
        }
        var path = ComputePath.Choose(Precision.Auto, config);
        var chosen = ours.Single(contestant => contestant.Name == $"Dolmen {path.Arithmetic}");
        var best = Measured.Of(chosen.Speeds);
        yield return new(
            $"{name}: chosen path, {path.Arithmetic}",
            best.Median,
            "tokens/s",
            $"{rival.Name} ({theirs:0})",
            best.Median / theirs,
            best.Runs,
            best.Spread
        );
        var peak = Roofline.GemmFlops(path.Arithmetic);
        var used = best.Median * config.TrainingFlopsPerToken(ModelSizes.Context);
        yield return new(
            $"{name}: products of the chosen path",
            used / 1e9,
            "GFLOP/s",
            $"measured peak ({peak / 1e9:0})",
            used / peak,
            best.Runs,
            best.Spread
        );
        foreach (var contestant in plain.Take(1))
            yield return new(
                $"{name}: loss after {chosen.Steps} steps",
                chosen.Loss,
                "nats",
                $"{contestant.Name} ({contestant.Loss:0.0000})",
                contestant.Loss / chosen.Loss,
                1,
                0
            );
        foreach (var contestant in contestants)
            contestant.Dispose();
    }

    private static IEnumerable<BenchmarkRow> Contended(IProgress<StageProgress> progress, CancellationToken stop)
    {
        var (name, config) = ModelSizes.All[0];
        foreach (var arithmetic in ComputePath.Candidates)
        {
            using var contestant = OurContestant.On(config, arithmetic);
            List<double> beside = [];
            for (var round = 0; round < Rounds; round++)
            {
                stop.ThrowIfCancellationRequested();
                progress.Report(new StageProgress($"bench {name} contended", round, Rounds, "rounds", contestant.Name));
                contestant.Speeds.Add(contestant.Measure(StepsPerRun(config), warmup: round == 0 ? WarmupSteps : 1));
                using var busy = new BusyCore();
                beside.Add(contestant.Measure(StepsPerRun(config), warmup: 1));
            }
            var (quiet, contended) = (Measured.Of(contestant.Speeds), Measured.Of(beside));
            yield return new(
                $"{name}: contended, {contestant.Name}",
                contended.Median,
                "tokens/s",
                $"quiet ({quiet.Median:0})",
                contended.Median / quiet.Median,
                Rounds,
                contended.Spread
            );
        }
    }

    private static int StepsPerRun(ModelConfig config) => (int)Math.Clamp(
        FlopsPerRun / (TrainContestant.Rows * ModelSizes.Context * config.TrainingFlopsPerToken(ModelSizes.Context)), 1, 12);
}
