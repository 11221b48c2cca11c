using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Data.Cleaning;
using Dolmen.Data.Filters;
using Dolmen.Tables;

namespace Dolmen.Data.Reports;

/// <summary>Documents of a corpus with what was decided about them, in the corpus's order. Measurements choose, and a text is read only
/// where it is searched or shown; one row group is held at a time.</summary>
public sealed class CorpusInspection
{
    private const int FirstLineChars = 160;

    private readonly BuiltCorpus _corpus;
    private readonly InspectQuery _query;
    private readonly RowRules _rules;
    private readonly bool _full;

    private CorpusInspection(BuiltCorpus corpus, InspectQuery query)
    {
        (_corpus, _query, _full) = (corpus, query, query.Full || query.Id is not null);
        _rules = new RowRules(corpus.Recipe([]));
        foreach (var bound in (MeasureBound[])[.. query.Min ?? [], .. query.Max ?? []])
            if (!_rules.Names.Contains(bound.Measure))
            {
                var wayOut = NearestName.Of(bound.Measure, _rules.Names) is { } near
                    ? $"did you mean '{near}'?"
                    : $"there are {string.Join(", ", _rules.Names)}.";
                throw new UserErrorException($"'{bound.Measure}' is not measured in {corpus.Directory}: {wayOut}");
            }
    }

    /// <summary>Finds the first documents that fit, as many as the query's limit.</summary>
    /// <exception cref="UserErrorException">No finished corpus, or a measure it does not have.</exception>
    public static IReadOnlyList<InspectedDocument> Find(string directory, InspectQuery query, CancellationToken stop) =>
        [.. new CorpusInspection(BuiltCorpus.Open(directory), query).All(stop).Take(query.Limit)];

    /// <summary>The reasons that documents were dropped for, the most frequent first.</summary>
    public static IReadOnlyList<string> Reasons(string directory) =>
        [.. BuiltCorpus.Open(directory).Report.Dropped.OrderByDescending(d => d.Value).Select(d => d.Key)];

    private IEnumerable<InspectedDocument> All(CancellationToken stop) => _corpus.Shards.SelectMany(shard => OfShard(shard, stop));

    /// <summary>Why nothing was kept; null when something was.</summary>
    /// <exception cref="UserErrorException">There is no corpus.</exception>
    public static string? WhyEmpty(string directory) => BuiltCorpus.Open(directory).Report is { Kept: 0 } report ? report.WhyEmpty() : null;

    private IEnumerable<InspectedDocument> OfShard(string shard, CancellationToken stop)
    {
        using var table = ParquetTable.Open(_corpus.PathOf(CorpusFolder.Measurements, shard));
        using var documents = new TextRows(_corpus.PathOf(CorpusFolder.Documents, shard));
        using var exclusions = new TextRows(_corpus.PathOf(CorpusFolder.Exclusions, shard));
        long kept = 0, dropped = 0;
        for (var group = 0; group < table.Groups; group++)
        {
            stop.ThrowIfCancellationRequested();
            var rows = new Rows(table, group, this);
            for (var row = 0; row < rows.Count; row++)
            {
                // Measurements have all documents, the other two one part each; what is in neither is held out.
                var isKept = rows.Reason[row].Length == 0;
                var heldOut = isKept && documents.Get("id", kept) != rows.Id[row];
                var (texts, at) = isKept ? (documents, kept) : (exclusions, dropped);
                if (!isKept) dropped++;
                else if (!heldOut) kept++;
                if (!rows.Fits(row)) continue;
                string Text(string column) => heldOut ? "" : texts.Get(column, at);
                if (
                    _query.Search is { Length: > 0 } search
                    && !Holds(rows.Id[row], search)
                    && !Holds(rows.Url[row], search)
                    && !Holds(Text("title"), search)
                    && !Holds(Text("text"), search)
                )
                    continue;
                var text = heldOut ? (_full ? HeldOut(rows.Id[row]) : "") : texts.Get("text", at);
                yield return rows.Document(row, heldOut, text, _full ? Text("text_before") : "");
            }
        }
    }

    private static bool Holds(string text, string search) => text.Contains(search, StringComparison.OrdinalIgnoreCase);

    private string HeldOut(string id)
    {
        var path = Path.Combine(_corpus.Directory, CorpusFolder.HeldOut);
        if (!File.Exists(path)) return "";
        foreach (var line in RegularFile.ReadLines(path))
            if (
                line.Contains(JsonEncodedText.Encode(id).Value, StringComparison.Ordinal)
                && JsonSerializer.Deserialize(line, CorpusRowJson.Default.HeldOutText) is { } held
                && held.Id == id
            )
                return held.Text;
        return "";
    }

    private static string FirstLine(string text)
    {
        foreach (var range in text.AsSpan().Split('\n'))
            if (text.AsSpan(range).Trim() is { Length: > 0 } line)
                return line.Length > FirstLineChars ? string.Concat(line[..FirstLineChars], "…") : line.ToString();
        return "";
    }

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;

    /// <summary>A row group of measurements as the query sees it.</summary>
    private sealed class Rows
    {
        private readonly ParquetTable _table;
        private readonly int _group;
        private readonly CorpusInspection _asked;
        private readonly (double[] Values, MeasureBound Bound)[] _min, _max;
        private readonly Dictionary<string, double[]> _numbers = new(StringComparer.Ordinal);

        public Rows(ParquetTable table, int group, CorpusInspection asked)
        {
            (_table, _group, _asked) = (table, group, asked);
            (Id, Url, Language, Reason) = (Texts("id"), Texts("url"), Texts("language"), Texts("reason"));
            _min = [.. (asked._query.Min ?? []).Select(bound => (Numbers(bound.Measure), bound))];
            _max = [.. (asked._query.Max ?? []).Select(bound => (Numbers(bound.Measure), bound))];
        }

        public int Count => Id.Length;

        public string[] Id { get; }

        public string[] Url { get; }

        public string[] Language { get; }

        public string[] Reason { get; }

        public bool Fits(int row)
        {
            var query = _asked._query;
            if (query.Id is { } id && Id[row] != id)
                return false;
            if (query.Kept is { } kept && kept != (Reason[row].Length == 0))
                return false;
            if (query.Language is { } language && Language[row] != language)
                return false;
            if (
                query.Reason is { } reason
                && Reason[row] != reason
                && !(
                    Reason[row].Length > reason.Length
                    && Reason[row].StartsWith(reason, StringComparison.Ordinal)
                    && Reason[row][reason.Length] == '.'
                )
            )
                return false;
            // What was not measured lies in no range.
            foreach (var (values, bound) in _min)
                if (!(values[row] >= bound.Value)) return false;
            foreach (var (values, bound) in _max)
                if (!(values[row] <= bound.Value)) return false;
            return true;
        }

        public InspectedDocument Document(int row, bool heldOut, string text, string before) =>
            new(
                Id[row],
                Url[row],
                Texts("file_path")[row],
                Language[row],
                Finite(Numbers(MeasureSet.LanguageScore)[row]),
                Reason[row],
                Finite(Numbers("value")[row]),
                Finite(Numbers("threshold")[row]),
                heldOut,
                Texts("cluster_id")[row],
                FirstLine(text),
                _asked._full ? text : null,
                before.Length > 0 ? before : null,
                _asked._full ? Judged(row) : []
            );

        private List<JudgedMeasure> Judged(int row)
        {
            var names = _asked._rules.Names;
            var rules = _asked._rules.For(Language[row]).Rules.ToLookup(r => r.Measure, r => r.Rule);
            var judged = new List<JudgedMeasure>();
            for (var i = 0; i < names.Count; i++)
            {
                var value = Numbers(names[i])[row];
                if (!rules.Contains(i))
                    judged.Add(new(names[i], Finite(value), null, null, null, false));
                foreach (var rule in rules[i])
                    judged.Add(
                        new(
                            names[i],
                            Finite(value),
                            rule.Reason,
                            rule.Limit == Limit.AtLeast ? "≥" : "≤",
                            rule.Threshold,
                            rule.Breaks(value)
                        )
                    );
            }
            return judged;
        }

        private string[] Texts(string column) => Array.ConvertAll(_table.Strings(_group, _table.Find(column)), text => text ?? "");

        private double[] Numbers(string column)
        {
            if (!_numbers.TryGetValue(column, out var values)) _numbers[column] = values = _table.Numbers(_group, _table.Find(column));
            return values;
        }
    }
}
