namespace Dolmen.Web.Crawling;

// What a host says before its pages are asked for: robots.txt and the sitemaps.
public sealed partial class Crawler
{
    private const int MaxRobotsHops = 5, MaxSitemapFiles = 50, MaxCrawlDelay = 60;

    private async Task PrepareAsync(WebAddress address, HostQueue host, Fetcher fetcher, CancellationToken stop)
    {
        var (rules, problem) = await RobotsAsync(address, host, fetcher, stop);
        host.Robots[address.Origin] = (rules, problem is null, _frontier.Now);
        if (problem is not null)
        {
            Notice($"the robots.txt of {address.Origin} {problem}: nothing there was visited.");
            return;
        }
        if (rules.CrawlDelaySeconds > MaxCrawlDelay)
        {
            Notice(
                $"the robots.txt of {address.Origin} asks for {rules.CrawlDelaySeconds:N0} seconds between requests: {MaxCrawlDelay} are "
                    + $"kept, the most that is waited for. Stop the crawl and leave the host out if that is too many requests for it."
            );
        }
        var asked = TimeSpan.FromSeconds(Math.Min(rules.CrawlDelaySeconds, MaxCrawlDelay));
        if (asked > host.Delay)
            host.Delay = asked;
        if (_settings.Sitemaps && _settings.MaxDepth > 0 && !_ledger.SitemapsRead.Contains(address.Origin))
            await SitemapsAsync(address, rules, host, fetcher, stop);
    }

    /// <returns>The rules, and what kept them from being read.</returns>
    private async Task<(RobotsRules Rules, string? Problem)> RobotsAsync(
        WebAddress address,
        HostQueue host,
        Fetcher fetcher,
        CancellationToken stop
    )
    {
        var at = WebAddress.Parse("/robots.txt", address.Uri)!;
        for (var hops = 0; hops <= MaxRobotsHops; hops++)
        {
            if (hops > 0) await Task.Delay(host.Delay, _time, stop);
            var (answer, failure) = await AskAsync(at, RobotsRules.MaxBytes, host, fetcher, stop);
            if (answer is null) return (RobotsRules.DisallowAll, $"could not be fetched ({failure})");
            if (answer.IsRedirect)
            {
                var next = answer.Location is { } location ? WebAddress.Parse(location, at.Uri) : null;
                if (next is null) return (RobotsRules.AllowAll, null);
                if (!_scope.Contains(next)) return (RobotsRules.DisallowAll, $"is at {next.Text}, another host that was not named");
                at = next;
                continue;
            }
            if (answer.Status is 429 or >= 500)
                return (RobotsRules.DisallowAll, $"could not be fetched (the server answered {answer.Status})");
            if (!answer.IsSuccess)
                return (RobotsRules.AllowAll, null); // there is none
            var file = ContentCoding.Undo(answer.Payload, Exchange.First(answer.Content, "Content-Encoding"), RobotsRules.MaxBytes);
            return (RobotsRules.Parse(file.Span, _token), null);
        }
        return (RobotsRules.AllowAll, null);                             // RFC 9309 2.3.1.2: no end of redirects is as good as no file
    }

    private async Task SitemapsAsync(WebAddress address, RobotsRules rules, HostQueue host, Fetcher fetcher, CancellationToken stop)
    {
        var open = new Queue<WebAddress>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var named in rules.Sitemaps) Take(WebAddress.Parse(named, address.Uri));
        Take(WebAddress.Parse("/sitemap.xml", address.Uri));
        var most = (int)Math.Min(int.MaxValue, Math.Max(_settings.MaxPageBytes, 1 << 20));
        // More addresses than pages may be visited need not be known.
        for (var files = 0; files < MaxSitemapFiles && _frontier.Waiting < _settings.MaxPages && open.TryDequeue(out var at); files++)
        {
            await Task.Delay(host.Delay, _time, stop);
            var (answer, _) = await AskAsync(at, Math.Min(most, Sitemap.MaxBytes), host, fetcher, stop);
            if (answer is { IsRedirect: true, Location: { } location })
                Take(WebAddress.Parse(location, at.Uri));
            if (answer is not { IsSuccess: true })
                continue;
            var sitemap = Sitemap.Read(
                ContentCoding.Undo(answer.Payload, Exchange.First(answer.Content, "Content-Encoding"), Sitemap.MaxBytes),
                at
            );
            foreach (var next in sitemap.Sitemaps)
                Take(next);
            var pages = new List<WebAddress>();
            _ledger.Commit(
                new JournalLine(LineKind.Found, at.Text, LinkDepth: 1, OutOfScope: sitemap.Pages.Count(page => !_scope.Contains(page))),
                null,
                () =>
                {
                    pages.AddRange(sitemap.Pages.Where(page => IsWanted(page) && _frontier.Reserve(page.Text)));
                    return [.. pages.Select(page => page.Text)];
                });
            _frontier.Add(pages.Select(page => new CrawlEntry(page, 1, 0, at.Text)));
        }
        _ledger.Commit(new JournalLine(LineKind.Sitemaps, address.Origin));

        void Take(WebAddress? sitemap)
        {
            if (
                sitemap is not null
                && _scope.Contains(sitemap)
                && seen.Count < MaxSitemapFiles
                && rules.Allows(sitemap.PathAndQuery)
                && seen.Add(sitemap.Text)
            )
                open.Enqueue(sitemap);
        }
    }

    private static string Seconds(TimeSpan span) => $"{span.TotalSeconds:N0} seconds";

    /// <summary>Fetches what is not a page, and keeps it in the archive: it explains why pages are there or are not.</summary>
    private async Task<(Exchange? Answer, string? Failure)> AskAsync(
        WebAddress at,
        int most,
        HostQueue host,
        Fetcher fetcher,
        CancellationToken stop
    )
    {
        for (var attempt = 0; ; attempt++)
        {
            TimeSpan? asked = null;
            string failure;
            try
            {
                var answer = await fetcher.FetchAsync(at, [], most, textOnly: false, stop);
                if (attempt >= _settings.Retries || !IsPassing(answer))
                {
                    var (records, _, _) = CaptureRecords.Of(answer, null, []);
                    _ledger.Commit(new JournalLine(LineKind.Aside, at.Text, Bytes: answer.Head.Length + answer.Body.Length), records);
                    return (answer, null);
                }
                (asked, failure) = (answer.RetryAfter, $"the server answered {answer.Status}");
            }
            catch (FetchException error)
            {
                failure = error.Message;
                if (!error.Passing || attempt >= _settings.Retries) return (null, failure);
            }
            var pause = Pause(attempt, asked);
            await Task.Delay(pause > host.Delay ? pause : host.Delay, _time, stop);
        }
    }
}
