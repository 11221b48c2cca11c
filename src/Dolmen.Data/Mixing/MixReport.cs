using System.Text.Json;

namespace Dolmen.Data.Mixing;

/// <summary>Documents of one source, language, quality bucket and provenance.</summary>
/// <param name="Quality">Such as <c>0.3–0.6</c>; <c>all</c> without buckets, <c>none</c> for documents without a score.</param>
/// <param name="Available">Tokens there are, each document once (or as often as rehydration says).</param>
/// <param name="Asked">The share that weights and temperature ask for, before limits.</param>
/// <param name="Weight">What became of its natural share: <paramref name="Share"/> over its part of all that is available.</param>
public sealed record MixComponent(
    string Source,
    string Language,
    string Quality,
    bool Ai,
    long Documents,
    long Available,
    double Asked,
    long Taken,
    long TakenDocuments,
    double Epochs,
    double Share,
    double Weight
);

/// <summary><c>mixture.json</c>: what was taken of what.</summary>
/// <param name="Counted">Documents whose tokens the corpus counted; those of the <paramref name="Estimated"/> are taken as their UTF-8
/// bytes over 4.</param>
/// <param name="Reachable">Most tokens these inputs give within the limits.</param>
/// <param name="AiShare">Share of the tokens taken whose provenance is <c>ai</c>; documents without provenance do not count as
/// such.</param>
public sealed record MixReport(
    MixRecipe Recipe,
    ulong Seed,
    long Budget,
    long Available,
    double Reachable,
    long Taken,
    long TakenDocuments,
    long Documents,
    long Counted,
    long Estimated,
    double AiShare,
    IReadOnlyDictionary<string, double> LanguageShares,
    IReadOnlyDictionary<string, double> SourceShares,
    IReadOnlyList<MixComponent> Components,
    IReadOnlyList<string> Files,
    IReadOnlyList<string> Notices
)
{
    public string ToJson() => JsonSerializer.Serialize(this, MixJson.Default.MixReport);
}
