using System.Text.Json.Serialization;

namespace Dolmen.Benchmarks;

/// <param name="Ratio">Above 1 means that ours is better than <paramref name="Baseline"/>.</param>
/// <param name="Spread">Half the distance from the lowest to the highest run, as a share of the median.</param>
public sealed record BenchmarkRow(
    string Case,
    double Value,
    string Unit,
    string Baseline,
    double Ratio,
    [property: JsonPropertyName("median_of")] int MedianOf,
    double Spread
);

public sealed record BenchmarkReport(string Bench, string Machine, string? Commit, IReadOnlyList<BenchmarkRow> Rows);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(BenchmarkReport))]
public sealed partial class BenchmarkJson : JsonSerializerContext;

/// <param name="Paths">Files and folders of the user's to measure on; none for what is always at hand.</param>
/// <param name="Model">A model of another's to measure beside ours.</param>
/// <param name="Only">Only cases whose names hold one of these; all where there are none.</param>
/// <param name="Rounds">How often each case is measured; null for the benchmark's own number.</param>
/// <param name="Seconds">How long the load lasts; null for the benchmark's own time.</param>
/// <param name="Clients">How many make the load; null for the benchmark's own number.</param>
public sealed record BenchmarkInputs(IReadOnlyList<string> Paths, string? Model, IReadOnlyList<string>? Only = null, int? Rounds = null,
    double? Seconds = null, int? Clients = null)
{
    /// <summary>A smaller model that guesses what the model says.</summary>
    public string? DraftModel { get; init; }

    /// <summary>Minutes of quickstart that a contestant gets; null for the benchmark's own.</summary>
    public double? Minutes { get; init; }

    /// <summary>Tokens that a contestant learns from; null for the benchmark's own.</summary>
    public long? Tokens { get; init; }

    /// <summary>Models that are trained, each with its own seed; null for the benchmark's own number.</summary>
    public int? Seeds { get; init; }

    /// <summary>Changes of the recipe, <c>base.batchTokens=2048</c>.</summary>
    public IReadOnlyList<string>? Set { get; init; }

    /// <summary>All cores when null.</summary>
    public int? Threads { get; init; }

    public bool Wants(string name) =>
        Only is not { Count: > 0 } parts || parts.Any(part => name.Contains(part, StringComparison.OrdinalIgnoreCase));
}

/// <summary>A measurement of ours against what it replaces, both in one run.</summary>
public abstract class Benchmark
{
    public abstract string Name { get; }

    public abstract string Description { get; }

    /// <summary>Whether it can be measured in parts: it looks at <see cref="BenchmarkInputs.Only"/> and
    /// <see cref="BenchmarkInputs.Rounds"/>.</summary>
    public virtual bool HasParts => false;

    /// <summary>Whether it makes a load: it looks at <see cref="BenchmarkInputs.Seconds"/> and
    /// <see cref="BenchmarkInputs.Clients"/>.</summary>
    public virtual bool HasLoad => false;

    /// <summary>Whether it trains contestants: it looks at <see cref="BenchmarkInputs.Minutes"/>, <see cref="BenchmarkInputs.Tokens"/>,
    /// <see cref="BenchmarkInputs.Seeds"/> and <see cref="BenchmarkInputs.Set"/>.</summary>
    public virtual bool Races => false;

    /// <exception cref="Artifacts.UserErrorException">The benchmark cannot be measured in parts, or not so.</exception>
    public void Check(BenchmarkInputs inputs)
    {
        if (inputs.Rounds is < 1)
            throw new Artifacts.UserErrorException($"--rounds is {inputs.Rounds}: it must be at least 1.");
        if (inputs.DraftModel is not null && this is not SpeculationBenchmark)
            throw new Artifacts.UserErrorException($"The benchmark {Name} does not take --draft-model: leave it out.");
        if (inputs.Seconds is <= 0 || inputs.Clients is < 1)
            throw new Artifacts.UserErrorException("--seconds must be above 0 and --clients at least 1.");
        if (!HasLoad && (inputs.Seconds is not null || inputs.Clients is not null))
            throw new Artifacts.UserErrorException($"The benchmark {Name} does not take --seconds or --clients: leave them out.");
        if (inputs is { Minutes: not null and not > 0 } or { Tokens: < 1 } or { Seeds: < 1 })
            throw new Artifacts.UserErrorException("--minutes must be above 0, --tokens and --seeds at least 1.");
        if (!Races && (inputs is not { Minutes: null, Tokens: null, Seeds: null } || inputs.Set is { Count: > 0 }))
            throw new Artifacts.UserErrorException(
                $"The benchmark {Name} does not take --minutes, --tokens, --seeds or --set: leave them out.");
        if (!HasParts && (inputs.Rounds is not null || inputs.Only is { Count: > 0 }))
            throw new Artifacts.UserErrorException($"The benchmark {Name} does not take --only or --rounds: leave them out.");
    }

    public abstract IEnumerable<BenchmarkRow> Run(IProgress<Artifacts.StageProgress> progress, CancellationToken stop);

    public virtual IEnumerable<BenchmarkRow> Run(
        BenchmarkInputs inputs,
        IProgress<Artifacts.StageProgress> progress,
        CancellationToken stop
    ) =>
        inputs is { Paths.Count: 0, Model: null }
            ? Run(progress, stop)
            : throw new Artifacts.UserErrorException($"--input and --model are nothing to the benchmark {Name}: leave them out.");

    /// <summary>Pictures of the rows, as files.</summary>
    public virtual IEnumerable<(string File, string Svg)> Plots(IReadOnlyList<BenchmarkRow> rows) => [];

    /// <summary>The registration list.</summary>
    public static IReadOnlyList<Benchmark> All { get; } =
    [
        new ContextBenchmark(),
        new TrainBenchmark(), new DecodeBenchmark(), new LoadBenchmark(), new ScheduleBenchmark(), new ServeBenchmark(),
        new ConstraintBenchmark(), new SpeculationBenchmark(),
        new KernelBenchmark(),
        new DataBenchmark(),
        new ExtractionBenchmark(),
        new LanguageBenchmark(),
        new TokenizerBenchmark(),
        new Speedrun.SpeedrunBenchmark(),
    ];
}

internal readonly record struct Measured(double Median, double Spread, int Runs)
{
    public static Measured Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        var median = sorted[sorted.Length / 2];
        return new Measured(median, (sorted[^1] - sorted[0]) / 2 / median, sorted.Length);
    }
}
