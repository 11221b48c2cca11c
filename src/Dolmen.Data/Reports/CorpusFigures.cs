using System.Runtime.InteropServices;
using Dolmen.Artifacts;
using Dolmen.Data.Cleaning;
using Dolmen.Data.Filters;
using Dolmen.Tables;

namespace Dolmen.Data.Reports;

/// <summary>Documents read and kept, with their bytes of text.</summary>
internal struct Flow
{
    public long Read, ReadBytes, Kept, KeptBytes;

    public void Count(long bytes, bool kept)
    {
        Read++;
        ReadBytes += bytes;
        if (!kept) return;
        Kept++;
        KeptBytes += bytes;
    }

    public void Add(Flow other) =>
        (Read, ReadBytes, Kept, KeptBytes) = (
            Read + other.Read,
            ReadBytes + other.ReadBytes,
            Kept + other.Kept,
            KeptBytes + other.KeptBytes
        );
}

/// <summary>A rule over all languages: how many values lie on either side of the thresholds their languages have.</summary>
internal sealed class RuleFigures(int measure, Limit limit)
{
    public int Measure => measure;

    public Limit Limit => limit;

    public long Inside { get; set; }

    public long Outside { get; set; }

    /// <summary>Documents by the threshold that applied to them.</summary>
    public Dictionary<double, long> Thresholds { get; } = [];
}

/// <summary>The figures of a report, from one pass over the measurements. Adding parts in order gives the same as one pass.</summary>
internal sealed class CorpusFigures(int measures)
{
    private const int MostSites = 1_000_000;
    private const int GroupsAtOnce = 8;

    public Flow All;

    /// <summary>Dropped documents by reason; nothing of them is kept.</summary>
    public Dictionary<string, Flow> Reasons { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, Flow> Languages { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, Flow> Sites { get; } = new(StringComparer.Ordinal);

    /// <summary>Documents of sites beyond those that are counted one by one.</summary>
    public long OtherSites { get; private set; }

    public Histogram[] Histograms { get; } = [.. Enumerable.Range(0, measures).Select(_ => new Histogram())];

    public Dictionary<string, RuleFigures> Rules { get; } = new(StringComparer.Ordinal);

    public static CorpusFigures Of(BuiltCorpus corpus, RowRules rules, int threads, CancellationToken stop)
    {
        var all = new CorpusFigures(rules.Names.Count);
        // The work is done in waves, so that what waits to be added is bounded.
        foreach (var wave in corpus.Groups().Chunk(GroupsAtOnce).Chunk(threads * 4))
        {
            var parts = new CorpusFigures[wave.Length];
            ParallelWork.For(wave.Length, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = stop }, i =>
            {
                parts[i] = new CorpusFigures(rules.Names.Count);
                foreach (var shard in wave[i].GroupBy(group => group.Shard))
                {
                    using var table = ParquetTable.Open(corpus.PathOf(CorpusFolder.Measurements, corpus.Shards[shard.Key]));
                    foreach (var group in shard) parts[i].Count(table, group.Group, rules);
                }
            });
            foreach (var part in parts) all.Add(part);
        }
        return all;
    }

    /// <summary>Host without www., lower case; empty when an address has none.</summary>
    public static string SiteOf(string url)
    {
        var scheme = url.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0) return "";
        var host = url.AsSpan(scheme + 3);
        if (host.IndexOfAny('/', '?', '#') is >= 0 and var end) host = host[..end];
        if (host.LastIndexOf('@') is >= 0 and var user) host = host[(user + 1)..];
        if (!host.StartsWith('[') && host.IndexOf(':') is >= 0 and var port) host = host[..port];
        if (host.StartsWith("www.", StringComparison.OrdinalIgnoreCase)) host = host[4..];
        return host.ToString().ToLowerInvariant();
    }

    private void Count(ParquetTable table, int group, RowRules rules)
    {
        var rows = MeasuredRows.Read(table, group, rules);
        var (bytes, urls) = (rows.Numbers("text_bytes"), rows.Texts("url", ""));
        for (var row = 0; row < rows.Count; row++)
        {
            var (size, reason) = (double.IsNaN(bytes[row]) ? 0 : (long)bytes[row], rows.Reason[row]);
            var kept = reason.Length == 0;
            All.Count(size, kept);
            if (!kept) CollectionsMarshal.GetValueRefOrAddDefault(Reasons, reason, out _).Count(size, kept: false);
            CollectionsMarshal.GetValueRefOrAddDefault(Languages, rows.Language[row], out _).Count(size, kept);
            if (SiteOf(urls[row]) is { Length: > 0 } site) CollectionsMarshal.GetValueRefOrAddDefault(Sites, site, out _).Count(size, kept);
        }
        for (var i = 0; i < Histograms.Length; i++)
            foreach (var value in rows.Measures[i] ?? rows.Numbers(rules.Names[i])) Histograms[i].Add(value);
        foreach (var language in rows.Rules.Distinct())
            foreach (var (measure, rule) in language.Rules) Count(rows, language, measure, rule);
    }

    private void Count(MeasuredRows rows, LanguageRules language, int measure, Rule rule)
    {
        if (rows.Measures[measure] is not { } values) return;
        long inside = 0, outside = 0;
        for (var row = 0; row < values.Length; row++)
        {
            if (!ReferenceEquals(rows.Rules[row], language) || double.IsNaN(values[row])) continue;
            if (rule.Breaks(values[row])) outside++;
            else inside++;
        }
        var figures = Find(rule.Reason, measure, rule.Limit);
        figures.Inside += inside;
        figures.Outside += outside;
        figures.Thresholds[rule.Threshold] = figures.Thresholds.GetValueOrDefault(rule.Threshold) + inside + outside;
    }

    private RuleFigures Find(string reason, int measure, Limit limit) =>
        Rules.TryGetValue(reason, out var figures) ? figures : Rules[reason] = new RuleFigures(measure, limit);

    private void Add(CorpusFigures part)
    {
        All.Add(part.All);
        foreach (var (reason, flow) in part.Reasons) CollectionsMarshal.GetValueRefOrAddDefault(Reasons, reason, out _).Add(flow);
        foreach (var (language, flow) in part.Languages) CollectionsMarshal.GetValueRefOrAddDefault(Languages, language, out _).Add(flow);
        foreach (var (site, flow) in part.Sites)
        {
            if (Sites.Count >= MostSites && !Sites.ContainsKey(site)) OtherSites += flow.Read;
            else CollectionsMarshal.GetValueRefOrAddDefault(Sites, site, out _).Add(flow);
        }
        for (var i = 0; i < Histograms.Length; i++) Histograms[i].Add(part.Histograms[i]);
        foreach (var (reason, rule) in part.Rules)
        {
            var figures = Find(reason, rule.Measure, rule.Limit);
            figures.Inside += rule.Inside;
            figures.Outside += rule.Outside;
            foreach (var (threshold, count) in rule.Thresholds)
                figures.Thresholds[threshold] = figures.Thresholds.GetValueOrDefault(threshold) + count;
        }
    }
}
