using System.Collections;
using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Data.Cleaning;
using Dolmen.Data.Deduplication;
using Dolmen.Data.Filters;
using Dolmen.Tables;

namespace Dolmen.Data.Reports;

/// <summary>The build's decision once more, by other thresholds, from measurements and found duplicates alone: no text is read.
/// Ten bytes of memory for each document, and those of <see cref="Clusters"/> where there is deduplication.</summary>
public static class WhatIf
{
    private const int GroupsAtOnce = 32;

    /// <param name="set"><c>filters.gopherQuality.minWords=30</c>; none gives what was built.</param>
    /// <param name="examples">Documents gained and lost to name, of each so many.</param>
    /// <exception cref="UserErrorException">No finished corpus, no such setting, or one that only another build can judge.</exception>
    public static WhatIfReport Ask(string directory, IReadOnlyList<string> set, int examples, int threads, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        var corpus = BuiltCorpus.Open(directory);
        var was = corpus.Recipe([]);
        var asked = corpus.Recipe(set);
        Remeasured.ThrowIfNeeded(was, asked);
        var groups = corpus.Groups();
        var documents = groups.Count == 0 ? 0 : groups[^1].First + groups[^1].Rows;
        var decided = new Decisions(documents);
        var rules = new RowRules(asked);
        var judged = new HashSet<string>(asked == was ? rules.Families : new RowRules(was).Families, StringComparer.Ordinal) { "dedup" };

        var chunks = groups.Chunk(GroupsAtOnce).ToList();
        ParallelWork.ForEach(
            chunks,
            new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = stop },
            chunk => Judge(corpus, chunk, rules, judged, decided)
        );
        if (asked.Dedup is { } dedup && documents > 0)
        {
            var earlier = corpus.Earlier();
            var pairs = corpus.Pairs(earlier.Length + documents);
            using var clusters = Clusters.Of(
                pairs,
                place => place < earlier.Length ? earlier[place] != 0 : decided.IsKept(place - earlier.Length),
                dedup.LeastJaccard
            );
            decided.DropDuplicates(clusters, Verdicts.ExactCopies(pairs), earlier.Length);
        }
        return new WhatIfTally(corpus, decided, groups, rules, set).Report(examples, clock, stop);
    }

    private static void Judge(BuiltCorpus corpus, RowGroup[] chunk, RowRules rules, HashSet<string> judged, Decisions decided)
    {
        ParquetTable? table = null;
        var shard = -1;
        try
        {
            foreach (var group in chunk)
            {
                if (group.Shard != shard)
                {
                    table?.Dispose();
                    table = ParquetTable.Open(corpus.PathOf(CorpusFolder.Measurements, corpus.Shards[shard = group.Shard]));
                }
                var rows = MeasuredRows.Read(table!, group.Group, rules);
                var bytes = rows.Numbers("text_bytes");
                for (var row = 0; row < rows.Count; row++)
                {
                    var reason = rows.Reason[row];
                    // What was dropped by its address or for having no text was never measured.
                    var why =
                        reason.Length > 0 && !judged.Contains(Family(reason))
                            ? reason
                            : rows.Rules[row].Judge(rows.Measures, row)?.Reason ?? "";
                    decided.Set(group.First + row, rows.Language[row], reason, why, double.IsNaN(bytes[row]) ? 0 : (int)bytes[row]);
                }
            }
        }
        finally
        {
            table?.Dispose();
        }
    }

    private static string Family(string reason) =>
        reason.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot ? reason[..dot] : reason;
}

/// <summary>Reasons before and after of every document, languages and sizes, as columns.</summary>
internal sealed class Decisions(long documents)
{
    private readonly Names _names = new();
    private readonly ushort[] _language = new ushort[documents], _before = new ushort[documents], _after = new ushort[documents];
    private readonly int[] _bytes = new int[documents];

    public long Count => documents;

    public IReadOnlyList<string> Named => _names.All;

    /// <summary>Sets a document's decision; several threads may set those of different documents.</summary>
    public void Set(long ordinal, string language, string before, string after, int bytes) =>
        (_language[ordinal], _before[ordinal], _after[ordinal], _bytes[ordinal]) = (
            _names.Of(language),
            _names.Of(before),
            _names.Of(after),
            bytes
        );

    public bool IsKept(long ordinal) => _after[ordinal] == Names.None;

    public void DropDuplicates(Clusters clusters, BitArray exactCopies, long earlier)
    {
        for (var i = 0; i < _after.Length; i++)
            if (_after[i] == Names.None && Verdicts.Duplicate(clusters, exactCopies, earlier, i) is { } reason)
                _after[i] = _names.Of(reason);
    }

    /// <summary>Indices into <see cref="Named"/>; 0 is not a reason.</summary>
    public (int Language, int Before, int After, int Bytes) this[long ordinal] =>
        (_language[ordinal], _before[ordinal], _after[ordinal], _bytes[ordinal]);

    private sealed class Names
    {
        public const ushort None = 0;

        private readonly System.Collections.Concurrent.ConcurrentDictionary<string, ushort> _known = new(StringComparer.Ordinal)
        {
            [""] = None,
        };
        private readonly List<string> _all = [""];

        public IReadOnlyList<string> All => _all;

        public ushort Of(string name)
        {
            if (_known.TryGetValue(name, out var number)) return number;
            lock (_all)
            {
                if (_known.TryGetValue(name, out number)) return number;
                number = checked((ushort)_all.Count);
                _all.Add(name);
                return _known[name] = number;
            }
        }
    }
}
