using Dolmen.Artifacts;

namespace Dolmen.Data.Mixing;

/// <summary>What to make of the documents of several corpora: how much of which, how often, in all.</summary>
/// <param name="Tokens">How many tokens to take; left out: as many as there are.</param>
/// <param name="SourceColumn">The column that names a document's source; <c>input</c> takes the name of the corpus folder, as does an empty
/// value.</param>
/// <param name="Sources">By source, a multiple of its natural share: 1 for those not named, 0 leaves one out.</param>
/// <param name="Shares">By source, its share of the whole instead; what is left goes to the sources not named.</param>
/// <param name="Languages">By language code, a multiple as for <paramref name="Sources"/>.</param>
/// <param name="Alpha">Languages are drawn in proportion to their tokens to this power: 1 as they are, 0 all alike, 0.3 to 0.7 to raise the
/// rare ones.</param>
/// <param name="QualityColumn">The column that is cut into buckets.</param>
/// <param name="QualityEdges">Where one bucket ends and the next begins, ascending: a value at an edge is of the upper one.</param>
/// <param name="QualityWeights">By bucket from the lowest on, a multiple as for <paramref name="Sources"/>: one more than there are
/// edges.</param>
/// <param name="MaxEpochs">How often a document may be repeated: up to 4 times, repeats are worth almost as much as fresh text (Muennighoff
/// et al. 2023).</param>
/// <param name="MaxEpochsBySource">By source, another limit.</param>
/// <param name="MaxAiShare">Most of the tokens that may come from documents whose <c>provenance</c> is <c>ai</c>.</param>
/// <param name="Rehydrate">Repeat documents as often as their <c>rehydration_weight</c> says, or FineWeb-2's table for their
/// <c>cluster_size</c>.</param>
/// <param name="ShardMegabytes">Text in one output file, before compression.</param>
public sealed record MixRecipe(
    long? Tokens = null,
    string SourceColumn = "dump",
    IReadOnlyDictionary<string, double>? Sources = null,
    IReadOnlyDictionary<string, double>? Shares = null,
    IReadOnlyDictionary<string, double>? Languages = null,
    double Alpha = 1,
    string QualityColumn = "quality_score",
    IReadOnlyList<double>? QualityEdges = null,
    IReadOnlyList<double>? QualityWeights = null,
    double MaxEpochs = MixRecipe.WorthwhileEpochs,
    IReadOnlyDictionary<string, double>? MaxEpochsBySource = null,
    double? MaxAiShare = null,
    bool Rehydrate = false,
    int ShardMegabytes = 256
)
{
    /// <summary>Beyond this, repeats lose their worth.</summary>
    public const double WorthwhileEpochs = 4;

    private const double MostWeight = 1e6;

    internal IReadOnlyList<double> Edges => QualityEdges ?? [];

    /// <summary>All that is wrong at once; empty when nothing is.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        if (Tokens is { } tokens && tokens < 1)
            problems.Add($"tokens is {tokens}: it must be 1 or more; leave it out to take as many as there are.");
        if (SourceColumn.Length == 0)
            problems.Add("sourceColumn is empty: name a column, or input for the names of the corpus folders.");
        Between("alpha", Alpha, 0, 1);
        Between("maxEpochs", MaxEpochs, 0.001, 1000);
        if (MaxAiShare is { } share) Between("maxAiShare", share, 0, 1);
        Between("shardMegabytes", ShardMegabytes, 1, 16_384);
        Each("sources", Sources, 0, MostWeight);
        Each("shares", Shares, 0, 1);
        Each("languages", Languages, 0, MostWeight);
        Each("maxEpochsBySource", MaxEpochsBySource, 0.001, 1000);
        if (Shares?.Values.Sum() is > 1 + 1e-9 and var sum)
            problems.Add($"shares add up to {sum}: they may add up to 1, and what is left goes to the other sources.");
        for (var i = 0; i < Edges.Count; i++)
            if (!double.IsFinite(Edges[i]) || (i > 0 && !(Edges[i] > Edges[i - 1])))
                problems.Add($"qualityEdges[{i}] is {Edges[i]}: edges must be finite and ascend.");
        if (QualityWeights is { } weights)
        {
            if (weights.Count != Edges.Count + 1)
                problems.Add(
                    $"qualityWeights has {weights.Count} values and qualityEdges {Edges.Count}: {Edges.Count} edges make {Edges.Count + 1} "
                        + $"buckets, from the lowest on."
                );
            for (var i = 0; i < weights.Count; i++)
                Between($"qualityWeights[{i}]", weights[i], 0, MostWeight);
        }
        return problems;

        void Each(string name, IReadOnlyDictionary<string, double>? values, double least, double most)
        {
            foreach (var (key, value) in values ?? new Dictionary<string, double>(StringComparer.Ordinal))
                Between($"{name}.{key}", value, least, most);
        }

        void Between(string name, double value, double least, double most)
        {
            if (!(value >= least && value <= most)) problems.Add($"{name} is {value}: it must lie between {least} and {most}.");
        }
    }

    internal void ThrowIfInvalid()
    {
        if (Validate() is { Count: > 0 } problems) throw new UserErrorException(string.Join(' ', problems));
    }
}
