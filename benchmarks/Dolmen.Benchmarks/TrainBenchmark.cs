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

    /// <summary>A contestant's turn is about so long, and one step at least.</summary>
    private const double SecondsPerTurn = 1.5;
    private const int MostSteps = 12;

    /// <summary>A whole run is to end within ten minutes: models whose slowest contestant takes longer for a step have fewer
    /// rounds.</summary>
    private const double SlowStep = 1;
    private const int RoundsOfSlow = 3;

    /// <summary>Models that are measured beside a busy core too.</summary>
    private static readonly string[] ContendedSizes = ["1M", "10M"];

    public override string Name => "train";

    public override string Description =>
        "training tokens/s of ours against the best of plain TorchSharp's paths (1M, 10M, 30M; Mamba, Mamba-2, a hybrid), and beside a "
            + "busy core";

    public override bool HasParts => true;

    public override IEnumerable<BenchmarkRow> Run(IProgress<StageProgress> progress, CancellationToken stop) =>
        Run(new BenchmarkInputs([], null), progress, stop);

    public override IEnumerable<BenchmarkRow> Run(BenchmarkInputs inputs, IProgress<StageProgress> progress, CancellationToken stop)
    {
        if (inputs is not { Paths.Count: 0, Model: null })
            throw new UserErrorException($"--input and --model are nothing to the benchmark {Name}: leave them out.");
        foreach (var (name, config) in ModelSizes.All.Where(size => inputs.Wants(size.Name)))
        {
            List<OurContestant> ours = [.. ComputePath.Candidates.Select(arithmetic => OurContestant.On(config, arithmetic))];
            var weights = ours[0].Weights().ToList();
            List<TrainContestant> plain =
            [
                .. ComputePath.Candidates.Where(arithmetic => arithmetic != Precision.Float32Packed)
                    .Select(arithmetic => new PlainContestant(config, weights, arithmetic)),
            ];
            foreach (var row in Compare(name, config, plain, ours, inputs.Rounds, progress, stop)) yield return row;
        }
        foreach (var (name, config) in ModelSizes.StateSpace.Where(size => inputs.Wants(size.Name)))
        {
            List<Precision> arithmetics = [Precision.Float32, .. ComputePath.HasNativeBFloat16 ? (Precision[])[Precision.BFloat16] : []];
            List<OurContestant> ours = [.. ComputePath.Candidates.Select(arithmetic => OurContestant.On(config, arithmetic))];
            List<TrainContestant> plain = [.. arithmetics.Select(arithmetic => OurContestant.InPlainOperations(config, arithmetic))];
            foreach (var row in Compare(name, config, plain, ours, inputs.Rounds, progress, stop)) yield return row;
        }
        foreach (var (name, config) in ModelSizes.All.Where(size => ContendedSizes.Contains(size.Name) && inputs.Wants(size.Name)))
            yield return Contended(name, config, inputs.Rounds ?? Rounds, progress, stop);
    }

    private static IEnumerable<BenchmarkRow> Compare(
        string name,
        ModelConfig config,
        List<TrainContestant> plain,
        List<OurContestant> ours,
        int? wantedRounds,
        IProgress<StageProgress> progress,
        CancellationToken stop
    )
    {
        List<TrainContestant> contestants = [.. plain, .. ours];
        var slowest = 0.0;
        var steps = new Dictionary<TrainContestant, int>();
        foreach (var contestant in contestants)
        {
            stop.ThrowIfCancellationRequested();
            progress.Report(new StageProgress($"bench {name}", steps.Count, contestants.Count, "warm-ups", contestant.Name));
            var seconds = contestant.WarmUp(WarmupSteps);
            steps[contestant] = (int)Math.Clamp(SecondsPerTurn / seconds, 1, MostSteps);
            slowest = Math.Max(slowest, seconds);
        }
        var rounds = wantedRounds ?? (slowest > SlowStep ? RoundsOfSlow : Rounds);
        for (var round = 0; round < rounds; round++)
        {
            foreach (var contestant in contestants)
            {
                stop.ThrowIfCancellationRequested();
                var done = round * contestants.Count + contestants.IndexOf(contestant);
                progress.Report(new StageProgress($"bench {name}", done, rounds * contestants.Count, "turns", contestant.Name));
                contestant.Speeds.Add(contestant.Measure(steps[contestant]));
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
        var after = Math.Min(chosen.Losses.Count, plain[0].Losses.Count);
        var (loss, plainLoss) = (chosen.Losses[after - 1], plain[0].Losses[after - 1]);
        var baseline = $"{plain[0].Name} ({plainLoss:0.0000})";
        yield return new($"{name}: loss after {after} steps", loss, "nats", baseline, plainLoss / loss, 1, 0);
        foreach (var contestant in contestants) contestant.Dispose();
    }

    private static BenchmarkRow Contended(
        string name,
        DecoderConfig config,
        int rounds,
        IProgress<StageProgress> progress,
        CancellationToken stop
    )
    {
        var path = ComputePath.Choose(Precision.Auto, config);
        using var contestant = OurContestant.On(config, path.Arithmetic);
        var steps = (int)Math.Clamp(SecondsPerTurn / contestant.WarmUp(WarmupSteps), 1, MostSteps);
        List<double> beside = [];
        for (var round = 0; round < rounds; round++)
        {
            stop.ThrowIfCancellationRequested();
            progress.Report(new StageProgress($"bench {name} contended", round, rounds, "rounds", contestant.Name));
            contestant.Speeds.Add(contestant.Measure(steps));
            using var busy = new BusyCore();
            beside.Add(contestant.Measure(steps));
        }
        var (quiet, contended) = (Measured.Of(contestant.Speeds), Measured.Of(beside));
        return new(
            $"{name}: contended, {contestant.Name}",
            contended.Median,
            "tokens/s",
            $"quiet ({quiet.Median:0})",
            contended.Median / quiet.Median,
            rounds,
            contended.Spread
        );
    }
}
