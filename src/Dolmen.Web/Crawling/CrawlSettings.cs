using Dolmen.Artifacts;

namespace Dolmen.Web.Crawling;

public enum CrawlScope
{
    /// <summary>The hosts that were named and nothing else.</summary>
    Host,

    /// <summary>Also every host below them: <c>example.org</c> takes in <c>docs.example.org</c>, and a leading <c>www.</c> does not
    /// count.</summary>
    Domain,
}

/// <param name="Seeds">Addresses to start from; they also say which hosts may be visited.</param>
/// <param name="Folder">Where the WARC files, their index and the state go. The same folder goes on with a crawl that was stopped.</param>
/// <param name="MaxDepth">Most links between a seed and a page.</param>
/// <param name="MaxPages">Most pages stored.</param>
/// <param name="MaxBytes">Most bytes received; what is under way when they are reached is finished.</param>
/// <param name="MaxPageBytes">Most bytes of one answer; a longer one is cut and marked as truncated.</param>
/// <param name="DelaySeconds">Pause between requests to a host. Left out: one second, and none for a host on this machine. A longer
/// crawl-delay in robots.txt wins.</param>
/// <param name="PerHost">Most requests to one host at a time.</param>
/// <param name="Concurrency">Most requests at a time.</param>
/// <param name="Retries">How often a failed request is tried again.</param>
/// <param name="TimeoutSeconds">Most seconds for the head of an answer, and four times as many for all of it.</param>
/// <param name="WarcBytes">A WARC file longer than this is closed and the next one begun.</param>
/// <param name="Sitemaps">Whether sitemaps are read for addresses.</param>
/// <param name="AllTypes">Whether images, archives and other answers that hold no text are fetched too.</param>
/// <param name="Refetch">Whether to visit everything again although the crawl is not finished.</param>
/// <param name="UserAgent">What the crawler calls itself; its first word is what robots.txt may name.</param>
public sealed record CrawlSettings(
    IReadOnlyList<string> Seeds,
    string Folder,
    CrawlScope Scope = CrawlScope.Host,
    int MaxDepth = 25,
    int MaxPages = 10_000,
    long MaxBytes = 10L << 30,
    long MaxPageBytes = 16L << 20,
    double? DelaySeconds = null,
    int PerHost = 1,
    int Concurrency = 8,
    int Retries = 3,
    double TimeoutSeconds = 30,
    long WarcBytes = 1L << 30,
    bool Sitemaps = true,
    bool AllTypes = false,
    bool Refetch = false,
    string UserAgent = CrawlSettings.DefaultUserAgent)
{
    public const string DefaultUserAgent = "Dolmen/0.1.0 (+corpus crawler; who runs it did not say)";

    /// <summary>Called at once with what the user should know, such as a host that asks for long pauses; the report repeats it.</summary>
    public Action<string>? OnNotice { get; init; }

    /// <exception cref="UserErrorException">A setting is outside its bounds.</exception>
    public void ThrowIfInvalid()
    {
        if (Seeds.Count == 0)
            throw new UserErrorException("a crawl needs at least one address to start from: name one, like https://example.org/.");
        Check("--max-depth", MaxDepth, 0, 1000);
        Check("--max-pages", MaxPages, 1, 100_000_000);
        Check("--max-bytes", MaxBytes, 1, 1L << 50);
        Check("--max-page-bytes", MaxPageBytes, 1024, 1L << 30);
        Check("--delay", DelaySeconds ?? 0, 0, 3600);
        Check("--per-host", PerHost, 1, 64);
        Check("--concurrency", Concurrency, 1, 1024);
        Check("--retries", Retries, 0, 20);
        Check("--timeout", TimeoutSeconds, 0.1, 3600);
        Check("--warc-size", WarcBytes, 1 << 16, 1L << 40);
        if (
            UserAgent.Length is 0 or > 300
            || UserAgent.AsSpan().ContainsAnyExceptInRange(' ', '~')
            || RobotsRules.ProductToken(UserAgent).Length == 0
        )
        {
            throw new UserErrorException(
                $"--user-agent '{UserAgent}' cannot be sent: begin with a name of letters, then what people can reach you by, "
                    + "like 'MyBot/1.0 (+https://example.org/bot)'."
            );
        }
    }

    private static void Check(string option, double value, double least, double most)
    {
        if (!(value >= least && value <= most))
            throw new UserErrorException($"{option} is {value}: it must be between {least} and {most}.");
    }
}
