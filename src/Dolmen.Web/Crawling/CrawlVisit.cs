using Dolmen.Artifacts;
using Dolmen.Web.Warc;

namespace Dolmen.Web.Crawling;

// One address: its host's rules, the request, and what comes of it.
public sealed partial class Crawler
{
    // What is nearly never text: asking for it would only cost its server.
    private static readonly HashSet<string> OtherFiles = new(StringComparer.OrdinalIgnoreCase)
    {
        ".png",
        ".jpg",
        ".jpeg",
        ".gif",
        ".webp",
        ".avif",
        ".svg",
        ".ico",
        ".bmp",
        ".tif",
        ".tiff",
        ".mp3",
        ".mp4",
        ".m4a",
        ".ogg",
        ".ogv",
        ".webm",
        ".wav",
        ".flac",
        ".avi",
        ".mov",
        ".mkv",
        ".zip",
        ".gz",
        ".tgz",
        ".bz2",
        ".xz",
        ".zst",
        ".7z",
        ".rar",
        ".tar",
        ".iso",
        ".img",
        ".dmg",
        ".exe",
        ".msi",
        ".deb",
        ".rpm",
        ".apk",
        ".jar",
        ".whl",
        ".woff",
        ".woff2",
        ".ttf",
        ".otf",
        ".eot",
        ".css",
        ".js",
        ".mjs",
        ".wasm",
        ".pdf",
        ".epub",
        ".doc",
        ".docx",
        ".xls",
        ".xlsx",
        ".ppt",
        ".pptx",
    };

    private async Task VisitAsync(CrawlEntry entry, HostQueue host, Fetcher fetcher, CancellationToken stop)
    {
        var address = entry.Address;
        CrawlEntry? again = null;
        TimeSpan pause = default, hostPause = default;
        var asked = false;
        try
        {
            if (!host.Robots.TryGetValue(address.Origin, out var known) || _frontier.Now - known.At > RobotsLast)
            {
                again = entry;                                           // after its turn at robots.txt the host is due its pause
                if (!_frontier.TryPrepare(host)) return;
                asked = true;
                try
                {
                    await PrepareAsync(address, host, fetcher, stop);
                }
                finally
                {
                    _frontier.Prepared(host);
                }
                return;
            }
            if (!known.Reached)
            {
                _ledger.Counts.Add("robots-unreachable");
                _frontier.Defer();
                return;
            }
            if (!known.Rules.Allows(address.PathAndQuery))
            {
                Done(entry, CrawlCounts.Robots);
                return;
            }
            var earlier = _ledger.Earlier.GetValueOrDefault(address.Text);
            Exchange exchange;
            asked = true;
            try
            {
                exchange = await fetcher.FetchAsync(address, Conditions(earlier), _settings.MaxPageBytes, !_settings.AllTypes, stop);
            }
            catch (FetchException error)
            {
                if (error.Passing && entry.Attempt < _settings.Retries)
                {
                    (again, pause) = (entry with { Attempt = entry.Attempt + 1 }, Pause(entry.Attempt, null));
                    return;
                }
                Done(entry, error.Kind);
                if (_seeds.Contains(address.Text)) Notice($"{address.Text}: {error.Message}");
                if (error.Kind is "connection" or "timeout" or "dns" && ++host.FailuresInARow >= MaxFailuresInARow)
                {
                    _ledger.Counts.Add("host-given-up", _frontier.GiveUp(host));
                    Notice($"{host.Name} failed {MaxFailuresInARow} times in a row and was left alone: {error.Message}");
                }
                return;
            }
            host.FailuresInARow = 0;
            if (IsPassing(exchange) && entry.Attempt < _settings.Retries)
            {
                (again, pause) = (entry with { Attempt = entry.Attempt + 1 }, Pause(entry.Attempt, exchange.RetryAfter));
                if (exchange.Status is 429 or 503)
                    hostPause = pause; // the server, not the page, has too much to do
                if (exchange.RetryAfter > LongestPause)
                    Notice(
                        $"{host.Name} asks to be left alone for {Seconds(exchange.RetryAfter.Value)}: it is asked again after "
                            + $"{Seconds(LongestPause)}."
                    );
                return;
            }
            Keep(entry, exchange, earlier);
        }
        finally
        {
            _frontier.Release(host, asked, again, pause, hostPause);
        }
    }

    private static bool IsPassing(Exchange exchange) =>
        exchange.Status is 408 or 429 or 500 or 502 or 503 or 504 || exchange.Truncated == "disconnect";

    /// <summary>Twice as long each time; what the server asks for where it asks for more.</summary>
    private static TimeSpan Pause(int attempt, TimeSpan? asked)
    {
        var own = FirstPause * Math.Pow(2, attempt);
        var pause = asked > own ? asked.Value : own;
        return pause < LongestPause ? pause : LongestPause;
    }

    private static List<(string, string)> Conditions(Visit? earlier)
    {
        var conditions = new List<(string, string)>();
        if (earlier?.ETag is { } tag) conditions.Add(("If-None-Match", tag));
        if (earlier?.LastModified is { } date) conditions.Add(("If-Modified-Since", date));
        return conditions;
    }

    private void Done(CrawlEntry entry, string outcome) =>
        _ledger.Commit(new JournalLine(LineKind.Done, entry.Address.Text, entry.Depth, outcome));

    private void Keep(CrawlEntry entry, Exchange exchange, Visit? earlier)
    {
        var size = exchange.Head.Length + exchange.Body.Length;
        if (exchange.IsRedirect)
        {
            var target = exchange.Location is { } location ? WebAddress.Parse(location, entry.Address.Uri) : null;
            var inside = target is not null && _scope.Contains(target);
            if (!inside && _seeds.Contains(entry.Address.Text))
                Notice(
                    $"{entry.Address.Text} redirects to {SecretFree.Address(exchange.Location ?? "")}, which is another host and was not "
                        + $"followed: name that address, or widen --scope."
                );
            var far = entry.Hops >= MaxHops;
            Store(
                far ? "redirect-limit" : CrawlCounts.Redirect,
                inside && !far ? [target!] : [],
                entry.Depth,
                entry.Hops + 1,
                target is not null && !inside ? 1 : 0
            );
            return;
        }
        if (!exchange.IsSuccess)
        {
            Store(exchange.Status == 304 && earlier is not null ? CrawlCounts.Revisit : $"http-{exchange.Status}", [], 0, 0, 0);
            return;
        }
        var html = ContentCoding.Undo(exchange.Payload, Exchange.First(exchange.Content, "Content-Encoding"), MaxLinkBytes);
        var page = PageLinks.Read(exchange, html, _token);
        var inScope = new List<WebAddress>();
        if (entry.Depth < _settings.MaxDepth) inScope.AddRange(page.Links.Where(IsWanted));
        Store(CrawlCounts.Page, inScope, entry.Depth + 1, 0, page.Links.Count(link => !_scope.Contains(link)), page);

        void Store(string outcome, List<WebAddress> links, int linkDepth, int hops, int outside, PageLinks? page = null)
        {
            var line = new JournalLine(
                LineKind.Done,
                entry.Address.Text,
                entry.Depth,
                outcome,
                size,
                LinkDepth: linkDepth,
                LinkHops: hops,
                OutOfScope: outside
            );
            List<PackedRecord>? records = null;
            if (page?.KeepsOut == true)
            {
                line = line with { Outcome = CrawlCounts.OptedOut };
            }
            else
            {
                (records, var visit, var isRevisit) = _ledger.Pack(exchange, Facts(entry, page));
                line = line with { Visit = visit, Truncated = exchange.Truncated is not null };
                if (isRevisit) line = line with { Outcome = CrawlCounts.Revisit };
            }
            var found = new List<WebAddress>();
            _ledger.Commit(line, records, () =>
            {
                found.AddRange(links.Where(link => _frontier.Reserve(link.Text)));
                return [.. found.Select(link => link.Text)];
            });
            _frontier.Add(found.Select(link => new CrawlEntry(link, linkDepth, hops, entry.Address.Text)));
        }
    }

    private bool IsWanted(WebAddress link) =>
        _scope.Contains(link) && (_settings.AllTypes || !OtherFiles.Contains(Path.GetExtension(link.Uri.AbsolutePath)));

    private static IEnumerable<(string, string)> Facts(CrawlEntry entry, PageLinks? page)
    {
        const int MostLinks = 2000;
        if (entry.Via is { } via) yield return ("via", via);
        yield return ("hopsFromSeed", $"{entry.Depth}");
        foreach (var link in page?.Links.Take(MostLinks) ?? []) yield return ("outlink", link.Text);
    }
}
