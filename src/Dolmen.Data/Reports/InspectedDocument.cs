using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dolmen.Data.Reports;

/// <summary>Which documents to look at; null and empty ask nothing.</summary>
/// <param name="Reason">A reason such as <c>gopherQuality.minWords</c>, or the family before its dot.</param>
/// <param name="Search">Anywhere in text, id, address or title, whatever the case.</param>
/// <param name="Kept">True for kept documents alone, false for dropped ones alone.</param>
/// <param name="Full">With texts and all measures; a document asked for by its id always comes with them.</param>
public sealed record InspectQuery(
    string? Reason = null,
    string? Language = null,
    string? Search = null,
    IReadOnlyList<MeasureBound>? Min = null,
    IReadOnlyList<MeasureBound>? Max = null,
    bool? Kept = null,
    string? Id = null,
    int Limit = 10,
    bool Full = false
);

/// <param name="Measure">A column's name, such as <c>gopher_quality_words</c>.</param>
public readonly record struct MeasureBound(string Measure, double Value);

/// <summary>One thing measured of a document, and a rule on it.</summary>
/// <param name="Value">Null where it does not apply.</param>
/// <param name="Reason">The rule's recipe key; null for a measure without rule in this language.</param>
/// <param name="Sign">What the value must be to its threshold: <c>≥</c> or <c>≤</c>.</param>
public sealed record JudgedMeasure(string Measure, double? Value, string? Reason, string? Sign, double? Threshold, bool Breaks);

/// <param name="Reason">Why it was dropped; empty for one that was kept.</param>
/// <param name="Score">Confidence of its language.</param>
/// <param name="HeldOut">Kept, and in <c>heldout.jsonl</c>, not in <c>documents/</c>.</param>
/// <param name="Before">The text before lines were dropped from it; null when none were or when it was not asked for.</param>
public sealed record InspectedDocument(
    string Id,
    string Url,
    string FilePath,
    string Language,
    double? Score,
    string Reason,
    double? Value,
    double? Threshold,
    bool HeldOut,
    string ClusterId,
    string FirstLine,
    string? Text,
    string? Before,
    IReadOnlyList<JudgedMeasure> Measures
)
{
    public static string ToJson(IReadOnlyList<InspectedDocument> documents) =>
        JsonSerializer.Serialize(documents, InspectJson.Default.IReadOnlyListInspectedDocument);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(IReadOnlyList<InspectedDocument>))]
internal sealed partial class InspectJson : JsonSerializerContext;
