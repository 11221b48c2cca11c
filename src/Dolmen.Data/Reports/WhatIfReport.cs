using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Data.Cleaning;

namespace Dolmen.Data.Reports;

/// <summary>What is kept, as built and as asked, in documents and in bytes of text.</summary>
/// <param name="Gained">Dropped by the build, kept now.</param>
/// <param name="Lost">Kept by the build, dropped now.</param>
public sealed record KeptChange(TextAmount Before, TextAmount After, TextAmount Gained, TextAmount Lost);

/// <summary>A reason to drop documents, as built and as asked.</summary>
/// <param name="Gained">Documents it dropped that are kept now.</param>
/// <param name="Lost">Documents it drops now that were kept.</param>
public sealed record ReasonChange(TextAmount Before, TextAmount After, TextAmount Gained, TextAmount Lost);

/// <param name="Reason">Why it was dropped, or why it is dropped now.</param>
public sealed record ChangedDocument(string Id, string Url, string Language, string Reason, double? Value, double? Threshold);

/// <summary>What other settings would have made of a corpus.</summary>
/// <param name="TokensBefore">Estimated: a token for every four bytes of text.</param>
/// <param name="Moved">Documents dropped before and after, for another reason.</param>
/// <param name="DuplicatesBefore">Documents that only deduplication drops.</param>
/// <param name="GainedExamples">A few, drawn evenly over the corpus and the same every time.</param>
public sealed record WhatIfReport(
    IReadOnlyList<string> Set,
    long Documents,
    KeptChange Kept,
    long TokensBefore,
    long TokensAfter,
    long Moved,
    long DuplicatesBefore,
    long DuplicatesAfter,
    IReadOnlyDictionary<string, ReasonChange> Reasons,
    IReadOnlyDictionary<string, KeptChange> Languages,
    IReadOnlyList<ChangedDocument> GainedExamples,
    IReadOnlyList<ChangedDocument> LostExamples,
    double Seconds
)
{
    public string ToJson() => JsonSerializer.Serialize(this, WhatIfJson.Default.WhatIfReport);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(WhatIfReport))]
internal sealed partial class WhatIfJson : JsonSerializerContext;
