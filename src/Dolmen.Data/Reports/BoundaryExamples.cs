using Dolmen.Artifacts;
using Dolmen.Data.Cleaning;
using Dolmen.Tables;

namespace Dolmen.Data.Reports;

/// <summary>A document near a threshold.</summary>
internal sealed record BoundaryExample(string Id, string Url, string Language, double Value, double Threshold, string Opening);

/// <summary>For each rule, the kept documents that only just satisfy it and those it only just dropped, among a sample of the corpus that
/// does not grow with it.</summary>
internal sealed class BoundaryExamples
{
    private const int MostGroups = 8, OfEach = 2, OpeningChars = 240;

    private readonly Dictionary<string, List<Near>> _inside = new(StringComparer.Ordinal), _outside = new(StringComparer.Ordinal);

    public IEnumerable<BoundaryExample> Inside(string reason) =>
        (_inside.GetValueOrDefault(reason) ?? []).Select(near => near.Example).OfType<BoundaryExample>();

    public IEnumerable<BoundaryExample> Outside(string reason) =>
        (_outside.GetValueOrDefault(reason) ?? []).Select(near => near.Example).OfType<BoundaryExample>();

    public static BoundaryExamples Of(BuiltCorpus corpus, RowRules rules)
    {
        var examples = new BoundaryExamples();
        examples.Read(corpus, CorpusFolder.Documents, rules);
        examples.Read(corpus, CorpusFolder.Exclusions, rules);
        return examples;
    }

    private void Read(BuiltCorpus corpus, string folder, RowRules rules)
    {
        var shards = corpus.Shards.Where(shard => File.Exists(corpus.PathOf(folder, shard))).ToList();
        var left = MostGroups;
        for (var i = 0; i < shards.Count && left > 0; i++)
        {
            // Takes a row group each from some of many shards, and several from each of few.
            var shard = shards[shards.Count <= MostGroups ? i : (int)((long)i * shards.Count / MostGroups)];
            using var table = ParquetTable.Open(corpus.PathOf(folder, shard));
            var take = Math.Min(table.Groups, Math.Max(1, left / Math.Max(1, Math.Min(shards.Count, MostGroups) - i)));
            for (var g = 0; g < take; g++) Read(table, (int)((long)g * table.Groups / take), rules);
            left -= Math.Max(1, take);
        }
    }

    private void Read(ParquetTable table, int group, RowRules rules)
    {
        var rows = MeasuredRows.Read(table, group, rules);
        var (value, threshold) = (rows.Numbers("value"), rows.Numbers("threshold"));
        var wanted = new List<Near>();
        for (var row = 0; row < rows.Count; row++)
        {
            if (rows.Reason[row] is { Length: > 0 } reason)
            {
                if (double.IsFinite(value[row])) Offer(_outside, reason, row, value[row], threshold[row]);
                continue;
            }
            foreach (var (measure, rule) in rows.Rules[row].Rules)
                if (rows.Measures[measure] is { } values && double.IsFinite(values[row]))
                    Offer(_inside, rule.Reason, row, values[row], rule.Threshold);
        }
        if (wanted.Count == 0) return;
        // Texts are read once the nearest of this group are known.
        var (ids, urls, texts) = (rows.Texts("id", ""), rows.Texts("url", ""), rows.Texts("text", ""));
        foreach (var near in wanted)
            near.Example = new BoundaryExample(
                ids[near.Row],
                urls[near.Row],
                rows.Language[near.Row],
                near.Value,
                near.Threshold,
                Opening(texts[near.Row])
            );

        void Offer(Dictionary<string, List<Near>> side, string reason, int row, double v, double t)
        {
            if (!side.TryGetValue(reason, out var list)) side[reason] = list = [];
            var near = new Near(row, v, t);
            if (list.Count == OfEach && near.Distance >= list[^1].Distance) return;
            if (list.Count == OfEach) list.RemoveAt(OfEach - 1);
            var place = list.FindIndex(other => near.Distance < other.Distance);
            list.Insert(place < 0 ? list.Count : place, near);
            wanted.Add(near);
        }
    }

    private static string Opening(string text)
    {
        var cut = text.Length > OpeningChars ? OpeningChars : text.Length;
        if (cut < text.Length && char.IsHighSurrogate(text[cut - 1])) cut--;
        return cut < text.Length ? string.Concat(text.AsSpan(0, cut), "…") : text;
    }

    /// <param name="row">In the row group that is being read.</param>
    private sealed class Near(int row, double value, double threshold)
    {
        public int Row => row;

        public double Value => value;

        public double Threshold => threshold;

        public double Distance => Math.Abs(value - threshold);

        public BoundaryExample? Example { get; set; }
    }
}
