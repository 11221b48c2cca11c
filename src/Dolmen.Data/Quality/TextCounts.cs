using Dolmen.Artifacts;

namespace Dolmen.Data.Quality;

/// <summary>What became of the texts that a model was to learn from. It does not depend on the order they came in.</summary>
/// <param name="Read">Texts, duplicates among them.</param>
/// <param name="Used">Distinct texts that were taken.</param>
/// <param name="Cut">Texts read that were longer than a text may be, of which only the beginning counts.</param>
/// <param name="Dropped">What is not a text, or was not taken, by reason.</param>
/// <param name="Noted">What was read otherwise than it is written, such as bytes that are not UTF-8.</param>
/// <param name="Broken">The first of the records that could not be read; the offset is the line.</param>
public sealed record TextCounts(
    long Read,
    long Used,
    long Cut,
    IReadOnlyDictionary<string, long> Dropped,
    IReadOnlyDictionary<string, long> Noted,
    IReadOnlyList<BrokenRecord> Broken
)
{
    internal static TextCounts Of(TextSample sample, Funnel funnel, int conflicting = 0)
    {
        // Which of two equal texts is beyond the budget depends on their order: duplicates and those are one number.
        var untaken = sample.Seen - sample.Count - conflicting;
        if (untaken > 0) funnel.Drop("duplicate-or-beyond-budget", untaken);
        if (conflicting > 0) funnel.Drop("in-both-sets", conflicting);
        return new TextCounts(sample.Seen, sample.Count, sample.Cut, funnel.Dropped, funnel.Noted, funnel.Broken);
    }

    public override string ToString()
    {
        var parts = new List<string> { $"{Read:N0} texts read", $"{Used:N0} used" };
        if (Cut > 0) parts.Add($"{Cut:N0} cut");
        foreach (var (reason, count) in Dropped) parts.Add($"{count:N0} dropped ({reason})");
        foreach (var (what, count) in Noted) parts.Add($"{count:N0} noted ({what})");
        if (Broken is [var first, ..]) parts.Add($"first broken {first.File}, line {first.Offset}");
        return string.Join(", ", parts);
    }
}
