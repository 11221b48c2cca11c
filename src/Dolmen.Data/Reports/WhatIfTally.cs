using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Data.Cleaning;
using Dolmen.Data.Filters;
using Dolmen.Tables;

namespace Dolmen.Data.Reports;

/// <summary>Two decisions about every document to counts and examples.</summary>
internal sealed class WhatIfTally(
    BuiltCorpus corpus,
    Decisions decided,
    IReadOnlyList<RowGroup> groups,
    RowRules rules,
    IReadOnlyList<string> set
)
{
    private readonly SortedDictionary<string, Amounts> _reasons = new(StringComparer.Ordinal), _languages = new(StringComparer.Ordinal);
    private readonly Amounts _kept = new();

    public WhatIfReport Report(int examples, Stopwatch clock, CancellationToken stop)
    {
        var names = decided.Named;
        var byReason = new Amounts[names.Count];
        var byLanguage = new Amounts[names.Count];
        for (var i = 0; i < names.Count; i++) (byReason[i], byLanguage[i]) = (new(), new());
        var (gained, lost) = (new Drawn(examples), new Drawn(examples));
        long moved = 0;
        for (long i = 0; i < decided.Count; i++)
        {
            if ((i & 0xfffff) == 0) stop.ThrowIfCancellationRequested();
            var (language, before, after, bytes) = decided[i];
            var amounts = byLanguage[language];
            if (before == 0) Add(ref _kept.Before, ref amounts.Before, bytes);
            else Add(ref byReason[before].Before, bytes);
            if (after == 0) Add(ref _kept.After, ref amounts.After, bytes);
            else Add(ref byReason[after].After, bytes);
            if (before == after) continue;
            if (after == 0)
            {
                Add(ref _kept.Gained, ref amounts.Gained, bytes);
                Add(ref byReason[before].Gained, bytes);
                gained.Offer(i);
            }
            else if (before == 0)
            {
                Add(ref _kept.Lost, ref amounts.Lost, bytes);
                Add(ref byReason[after].Lost, bytes);
                lost.Offer(i);
            }
            else moved++;
        }
        for (var i = 1; i < names.Count; i++)
        {
            if (byReason[i].Any) _reasons[names[i]] = byReason[i];
            if (byLanguage[i].Any) _languages[names[i]] = byLanguage[i];
        }
        var kept = _kept.Change();
        return new WhatIfReport(
            set,
            decided.Count,
            kept,
            BuiltCorpus.Tokens(kept.Before.Bytes),
            BuiltCorpus.Tokens(kept.After.Bytes),
            moved,
            Duplicates(a => a.Before),
            Duplicates(a => a.After),
            _reasons.ToDictionary(p => p.Key, p => p.Value.Reason(), StringComparer.Ordinal),
            _languages.ToDictionary(p => p.Key, p => p.Value.Change(), StringComparer.Ordinal),
            [.. gained.Ordinals.Select(ordinal => Named(ordinal, byBuild: true))],
            [.. lost.Ordinals.Select(ordinal => Named(ordinal, byBuild: false))],
            clock.Elapsed.TotalSeconds
        );
    }

    private long Duplicates(Func<Amounts, Sum> of) =>
        _reasons.Where(p => p.Key is Verdicts.ExactReason or Verdicts.NearReason or Verdicts.IndexReason).Sum(p => of(p.Value).Documents);

    private ChangedDocument Named(long ordinal, bool byBuild)
    {
        var at = groups.First(g => ordinal < g.First + g.Rows);
        var row = (int)(ordinal - at.First);
        using var table = ParquetTable.Open(corpus.PathOf(CorpusFolder.Measurements, corpus.Shards[at.Shard]));
        var rows = MeasuredRows.Read(table, at.Group, rules);
        var (_, before, after, _) = decided[ordinal];
        // A duplicate has no threshold to move.
        var why = byBuild
            ? new Exclusion(decided.Named[before], rows.Numbers("value")[row], rows.Numbers("threshold")[row])
            : rows.Rules[row].Judge(rows.Measures, row);
        return new ChangedDocument(
            rows.Texts("id", "")[row],
            rows.Texts("url", "")[row],
            rows.Language[row],
            byBuild ? why!.Value.Reason : decided.Named[after],
            Finite(why?.Value),
            Finite(why?.Threshold)
        );
    }

    private static double? Finite(double? value) => value is { } v && double.IsFinite(v) ? v : null;

    private static void Add(ref Sum a, ref Sum b, int bytes)
    {
        Add(ref a, bytes);
        Add(ref b, bytes);
    }

    private static void Add(ref Sum sum, int bytes)
    {
        sum.Documents++;
        sum.Bytes += bytes;
    }

    private struct Sum
    {
        public long Documents, Bytes;

        public readonly TextAmount Amount => new(Documents, Bytes);
    }

    private sealed class Amounts
    {
        public Sum Before, After, Gained, Lost;

        public bool Any => Before.Documents + After.Documents > 0;

        public KeptChange Change() => new(Before.Amount, After.Amount, Gained.Amount, Lost.Amount);

        public ReasonChange Reason() => new(Before.Amount, After.Amount, Gained.Amount, Lost.Amount);
    }

    /// <summary>The few of many ordinals whose hash is least: drawn evenly, the same every time.</summary>
    private sealed class Drawn(int most)
    {
        private readonly SortedSet<(ulong Hash, long Ordinal)> _least = [];

        public IEnumerable<long> Ordinals => _least.Select(l => l.Ordinal).Order();

        public void Offer(long ordinal)
        {
            if (most == 0) return;
            var hash = unchecked((ulong)ordinal * 0x9E3779B97F4A7C15);
            if (_least.Count == most && hash >= _least.Max.Hash) return;
            _least.Add((hash, ordinal));
            if (_least.Count > most) _least.Remove(_least.Max);
        }
    }
}
