using Dolmen.Artifacts;

namespace Dolmen.Data.Readers;

/// <summary>What is done to all entries together: duplicates out, names made unique, training and held-out apart.</summary>
internal static class EntrySet
{
    public static List<Entry> Clean(IEnumerable<Entry> entries, Funnel funnel)
    {
        var byId = new Dictionary<string, Entry>(StringComparer.Ordinal);
        var prose = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in entries)
        {
            if (
                entry.IsProse
                && entry.Summary.Length + entry.Remarks.Length > 0
                && !prose.Add(StableHash.Sha256($"{entry.Summary}\n{entry.Remarks}"))
            )
                funnel.Drop("duplicate");
            else if (!byId.TryGetValue(entry.Id, out var first))
                byId.Add(entry.Id, entry);
            else
            {
                funnel.Drop("duplicate");
                if (first.Summary.Length == 0 && entry.Summary.Length > 0) byId[entry.Id] = entry;
            }
        }

        var kept = new List<Entry>();
        var signatures = new UniqueNames((signature, copy) => $"{signature} ({copy})");
        foreach (var entry in byId.Values.OrderBy(e => e.Id, StringComparer.Ordinal))
        {
            if (entry.Summary.Length == 0 && !entry.IsProse) funnel.Drop("empty-summary");
            else if (entry.Kind is EntryKind.Passage or EntryKind.Document || signatures.Add(entry.Signature)) kept.Add(entry);
            else if (entry.Kind is not (EntryKind.Section or EntryKind.Term)) funnel.Drop("duplicate-signature");
            // Two sections may bear the same heading: a held-out one must still be told from those of training.
            else kept.Add(entry with { Signature = signatures.Of(entry.Signature) });
        }
        CountSharedTexts(kept, funnel);
        return kept;
    }

    public static (List<Entry> Training, List<Entry> HeldOut) Split(List<Entry> entries, double fraction)
    {
        var training = new List<Entry>();
        var heldOut = new List<Entry>();
        foreach (var entry in entries) (entry.IsHead || StableHash.Fraction(entry.Id) >= fraction ? training : heldOut).Add(entry);
        // A small corpus may hold out nothing by chance, and then nothing could be measured.
        if (
            heldOut.Count == 0
            && fraction > 0
            && training.Where(e => !e.IsHead).MinBy(e => StableHash.Fraction(e.Id)) is { } least
            && training.Count > 1
        )
        {
            training.Remove(least);
            heldOut.Add(least);
        }
        return (training, heldOut);
    }

    // Overloads often share every word. They stay, each under its own heading, and are counted.
    private static void CountSharedTexts(List<Entry> entries, Funnel funnel)
    {
        var shared = entries.Where(e => e.IsMember).GroupBy(e => e.Summary, StringComparer.Ordinal).Sum(g => g.Count() - 1);
        if (shared > 0) funnel.Note("members-sharing-a-summary", shared);
    }
}
