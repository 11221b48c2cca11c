using Dolmen.Artifacts;
using Dolmen.Data.Readers;

namespace Dolmen.Data.Alignment;

/// <summary>Which of four summaries belongs to a heading that training never showed?</summary>
internal static class MultipleChoice
{
    public static string Rule(CorpusRecipe recipe) =>
        $"One multiple-choice item for each held-out entry whose summary has at least {recipe.MinSummaryChars} characters (at most "
            + $"{recipe.MaxMultipleChoice}, drawn "
        + $"by stable hash). Distractors: three of the {Nearest} summaries nearest in length among the other eligible held-out entries, "
        + $"drawn by stable hash; all four texts differ. The place of the right one is drawn by stable hash. Nothing else is left out.";

    private const int Nearest = 20;

    public static bool IsEligible(Entry entry, CorpusRecipe recipe) =>
        entry is { IsHead: false, Kind: not EntryKind.Passage } && entry.Summary.Length >= recipe.MinSummaryChars;

    public static List<MultipleChoiceItem> Build(
        IEnumerable<Entry> heldOut,
        CorpusRecipe recipe,
        ulong seed,
        Func<IEnumerable<string>, HashSet<string>> seenInTraining
    )
    {
        var pool = heldOut
            .Where(e => IsEligible(e, recipe))
            .OrderBy(e => e.Summary.Length)
            .ThenBy(e => e.Id, StringComparer.Ordinal)
            .ToList();
        var places = Enumerable.Range(0, pool.Count);
        var chosen = SeededSample.Take(places, recipe.MaxMultipleChoice, $"{seed}|multiple choice", i => pool[i].Id);
        var seen = seenInTraining(chosen.Select(i => pool[i].Summary));
        var items = new List<MultipleChoiceItem>();
        foreach (var index in chosen)
        {
            var entry = pool[index];
            var salt = $"{seed}|{entry.Id}";
            var distractors = SeededSample.Take(NearestSummaries(pool, index), 3, salt, s => s);
            if (distractors.Count < 3) continue;
            var gold = (int)(StableHash.Of($"{salt}|gold") % 4);
            distractors.Insert(gold, entry.Summary);
            items.Add(new MultipleChoiceItem(entry.Id, Documents.Query(entry), distractors, gold, seen.Contains(entry.Summary)));
        }
        return items;
    }

    // The pool is sorted by length: walk outwards, always to the nearer side.
    private static List<string> NearestSummaries(List<Entry> pool, int index)
    {
        var own = pool[index].Summary;
        var found = new HashSet<string>(StringComparer.Ordinal);
        var (low, high) = (index - 1, index + 1);
        while (found.Count < Nearest && (low >= 0 || high < pool.Count))
        {
            var below = low >= 0 ? own.Length - pool[low].Summary.Length : int.MaxValue;
            var above = high < pool.Count ? pool[high].Summary.Length - own.Length : int.MaxValue;
            var next = below <= above ? pool[low--].Summary : pool[high++].Summary;
            if (next != own) found.Add(next);
        }
        return [.. found];
    }
}
