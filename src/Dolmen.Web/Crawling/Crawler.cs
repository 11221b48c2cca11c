using System.Collections.Concurrent;
using System.Diagnostics;
using Dolmen.Artifacts;

namespace Dolmen.Web.Crawling;

/// <summary>Visits the pages of the hosts it is given, politely, into WARC files. A folder that holds a crawl already is gone on with; when
/// that one is finished, everything is visited again and what did not change is only noted.</summary>
public sealed partial class Crawler
{
    private const int MaxHops = 10, MaxFailuresInARow = 5, MaxLinkBytes = 16 << 20, MaxNotices = 20;

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1),
        LongestPause = TimeSpan.FromMinutes(10),
        RobotsLast = TimeSpan.FromHours(24);

    private readonly CrawlSettings _settings;
    private readonly CrawlLedger _ledger;
    private readonly ConnectionGuard _guard;
    private readonly TimeProvider _time;
    private readonly IProgress<StageProgress>? _progress;
    private readonly Frontier _frontier;
    private readonly ScopeRule _scope;
    private readonly string _token;
    private readonly HashSet<string> _seeds = new(StringComparer.Ordinal);
    private readonly HashSet<string> _loopback = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _notices = new(StringComparer.Ordinal);

    private Crawler(
        CrawlSettings settings,
        IReadOnlyList<WebAddress> seeds,
        CrawlLedger ledger,
        ConnectionGuard guard,
        TimeProvider time,
        IProgress<StageProgress>? progress
    )
    {
        (_settings, _ledger, _guard, _time, _progress) = (settings, ledger, guard, time, progress);
        _scope = new ScopeRule(seeds, settings.Scope);
        _token = RobotsRules.ProductToken(settings.UserAgent);
        _frontier = new Frontier(settings.PerHost, DelayOf, Budget, time);
        foreach (var seed in seeds) _seeds.Add(seed.Text);
    }

    /// <exception cref="UserErrorException">A setting or an address cannot be used, or the folder holds something else.</exception>
    public static Task<CrawlReport> RunAsync(CrawlSettings settings, IProgress<StageProgress>? progress, CancellationToken stop) =>
        RunAsync(settings, progress, new ConnectionGuard(), TimeProvider.System, stop);

    internal static async Task<CrawlReport> RunAsync(
        CrawlSettings settings, IProgress<StageProgress>? progress, ConnectionGuard guard, TimeProvider time, CancellationToken stop)
    {
        settings.ThrowIfInvalid();
        var seeds = settings
            .Seeds.Select(seed =>
                WebAddress.Parse(seed)
                ?? throw new UserErrorException(
                    $"'{SecretFree.Address(seed)}' is not an address to crawl: write it whole, with http:// or https://, without a name "
                        + $"and password."
                )
            )
            .DistinctBy(seed => seed.Text)
            .ToList();
        using var ledger = CrawlLedger.Open(settings, time);
        var crawler = new Crawler(settings, seeds, ledger, guard, time, progress);
        return await crawler.RunAsync(seeds, stop);
    }

    private async Task<CrawlReport> RunAsync(List<WebAddress> seeds, CancellationToken stop)
    {
        var watch = Stopwatch.StartNew();
        await BeginAsync(seeds, stop);
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(stop);
        try
        {
            await Task.WhenAll(
                Enumerable.Range(0, _settings.Concurrency).Select(_ => Task.Run(() => WorkAsync(failed), CancellationToken.None))
            );
        }
        finally
        {
            foreach (var fetcher in _frontier.Hosts.SelectMany(host => host.Fetchers)) fetcher.Dispose();
            _ledger.WriteIndex();
        }
        var ended = Budget(0) is null ? "limit" : _frontier.Deferred > 0 ? "incomplete" : "complete";
        if (ended != "incomplete") _ledger.Commit(new JournalLine(LineKind.End, Outcome: ended));
        if (_frontier.WasFull) Notice("more addresses were found than are remembered: some were left out.");
        var report = Report(ended, watch.Elapsed.TotalSeconds);
        AtomicFile.WriteJson(Path.Combine(_settings.Folder, "crawl.json"), report, CrawlReportJson.Default.CrawlReport);
        return report;
    }

    /// <summary>Takes up what the folder holds, or begins a pass.</summary>
    private async Task BeginAsync(List<WebAddress> seeds, CancellationToken stop)
    {
        var names = seeds.Select(seed => seed.Text).ToList();
        if (_ledger.Seeds.Except(names).FirstOrDefault() is { } missing)
        {
            throw new UserErrorException(
                $"{_settings.Folder} holds a crawl that also starts from {missing}: name all its addresses to go on with it, or "
                    + "crawl into another --out."
            );
        }
        var hidden = new List<string>();
        foreach (var seed in seeds)
        {
            var (isLoopback, isPrivate) = await _guard.AdmitAsync(seed, stop);
            if (isPrivate && _ledger.Seeds.Contains(seed.Text) && !_ledger.PrivateSeeds.Contains(seed.Text))
            {
                throw new UserErrorException(
                    $"{seed.Text} lay on the open internet when this crawl began and now leads to a private network: it is not "
                        + "followed there. Crawl into another --out if that is meant."
                );
            }
            if (isPrivate) hidden.Add(seed.Text);
            if (isLoopback) _loopback.Add(seed.Host);
        }
        var mayGoOn = _ledger.Ended is null || (_ledger.Ended == "limit" && Budget(0) is not null);
        if (_ledger.Pass == 0 || _settings.Refetch || !mayGoOn) _ledger.BeginPass(names, hidden);
        else if (names.Except(_ledger.Seeds).ToList() is { Count: > 0 } more)
            _ledger.Commit(new JournalLine(LineKind.Crawl, Links: more, PrivateSeeds: hidden));
        foreach (var seen in _ledger.Visited.Keys) _frontier.Reserve(seen);
        foreach (var (address, (depth, hops, via)) in _ledger.Pending) Enqueue(address, depth, hops, via);
        foreach (var name in names) Enqueue(name, 0, 0, null);
        _ledger.Pending.Clear();                                         // the frontier has them now
        _ledger.Visited.Clear();

        void Enqueue(string address, int depth, int hops, string? via)
        {
            // The scope may be narrower than when the address was found.
            if (
                WebAddress.Parse(address) is { } parsed
                && _scope.Contains(parsed)
                && depth <= _settings.MaxDepth
                && _frontier.Reserve(address)
            )
                _frontier.Add([new CrawlEntry(parsed, depth, hops, via)]);
        }
    }

    private async Task WorkAsync(CancellationTokenSource failed)
    {
        try
        {
            while (await _frontier.TakeAsync(failed.Token) is var (entry, host))
            {
                if (!host.Fetchers.TryPop(out var fetcher)) fetcher = new Fetcher(_settings, _guard, _time);
                try
                {
                    await VisitAsync(entry, host, fetcher, failed.Token);
                }
                finally
                {
                    host.Fetchers.Push(fetcher);
                }
                _progress?.Report(new StageProgress("crawl", _ledger.Counts.Pages, _settings.MaxPages, "pages",
                    $"{_ledger.Counts.Bytes >> 10:N0} KB · {_frontier.Waiting:N0} waiting · {entry.Address.Text}"));
            }
        }
        catch
        {
            await failed.CancelAsync();                                  // a full disk ends the other workers too
            throw;
        }
    }

    /// <summary>Whether another page may be begun beside so many under way; null once none ever may.</summary>
    private bool? Budget(int active)
    {
        if (_ledger.Counts.Pages >= _settings.MaxPages || _ledger.Counts.Bytes >= _settings.MaxBytes) return null;
        return _ledger.Counts.Pages + active < _settings.MaxPages;
    }

    private TimeSpan DelayOf(string host) => TimeSpan.FromSeconds(_settings.DelaySeconds ?? (_loopback.Contains(host) ? 0 : 1));

    private void Notice(string text)
    {
        if (_notices.Count < MaxNotices && _notices.TryAdd(text, true)) _settings.OnNotice?.Invoke(text);
    }

    private CrawlReport Report(string ended, double seconds)
    {
        var counts = _ledger.Counts;
        return new CrawlReport(
            counts.Of(CrawlCounts.Page),
            counts.Bytes,
            counts.Of(CrawlCounts.Revisit),
            counts.Errors(),
            counts.Of(CrawlCounts.Robots),
            counts.Of(CrawlCounts.OptedOut),
            counts.Of(CrawlCounts.NotText),
            counts.Of(CrawlCounts.Redirect),
            counts.Truncated,
            counts.OutOfScope,
            _frontier.Waiting + _frontier.Deferred,
            ended,
            _ledger.Pass,
            seconds,
            _ledger.WarcFiles,
            [.. _notices.Keys.Order(StringComparer.Ordinal)]
        );
    }
}
