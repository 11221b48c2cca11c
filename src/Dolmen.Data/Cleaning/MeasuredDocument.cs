using Dolmen.Data.Deduplication;
using Dolmen.Data.Filters;
using Dolmen.Data.Sources;

namespace Dolmen.Data.Cleaning;

/// <summary>A record after everything was measured and before anything was decided.</summary>
/// <param name="Dropped">Set when the record was given up before its text was looked at.</param>
/// <param name="Text">Personal data masked, dropped lines gone.</param>
/// <param name="Before">The text as extracted, masked too; null when no line was dropped.</param>
/// <param name="Measures">In the order of <see cref="MeasureSet.Names"/>.</param>
/// <param name="Contamination">The evaluation item of which it holds most.</param>
internal sealed record MeasuredDocument(
    DocumentHeader Header,
    string Language,
    string Text,
    string? Before,
    double[] Measures,
    Exclusion? Dropped,
    DocumentSignature? Signature,
    long Bytes,
    string Contamination = ""
);
