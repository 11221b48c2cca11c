using System.Text.Json.Serialization;

namespace Dolmen.Web.Crawling;

/// <summary>What a pass of a crawl came to, with what it had done before it was stopped and went on.</summary>
/// <param name="Pages">Pages stored whose content is new.</param>
/// <param name="Bytes">Received, heads of answers included, robots.txt and sitemaps too.</param>
/// <param name="Revisits">Pages found unchanged since an earlier pass.</param>
/// <param name="Errors">Addresses that gave no page, by what went wrong.</param>
/// <param name="RobotsExcluded">Addresses that robots.txt kept the crawler from.</param>
/// <param name="OptedOut">Pages that ask not to be indexed, archived or used: fetched, and not kept.</param>
/// <param name="OutOfScope">Links and redirects to other hosts, which were not followed.</param>
/// <param name="Waiting">Addresses known and not visited.</param>
/// <param name="Ended"><c>complete</c>, <c>limit</c>, or <c>incomplete</c> where a host could not be reached: the same command tries
/// again.</param>
/// <param name="Pass">1 for the first visit, 2 for the first time everything is visited again.</param>
public sealed record CrawlReport(
    long Pages,
    long Bytes,
    long Revisits,
    IReadOnlyDictionary<string, long> Errors,
    long RobotsExcluded,
    long OptedOut,
    long NotText,
    long Redirects,
    long Truncated,
    long OutOfScope,
    long Waiting,
    string Ended,
    int Pass,
    double Seconds,
    IReadOnlyList<string> WarcFiles,
    IReadOnlyList<string> Notices
)
{
    /// <summary>Whether nothing came of the crawl because of failures, not because its pages did not want to be kept.</summary>
    [JsonIgnore]
    public bool Failed => Pages + Revisits + Redirects + OptedOut + NotText == 0 && (Ended == "incomplete" || Errors.Count > 0);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(CrawlReport))]
public sealed partial class CrawlReportJson : JsonSerializerContext;

/// <summary>The numbers of a pass, counted from its steps as they happen or as they are read again.</summary>
internal sealed class CrawlCounts
{
    private readonly Lock _gate = new();
    public const string Page = "page",
        Revisit = "revisit",
        Redirect = "redirect",
        Robots = "robots",
        OptedOut = "opted-out",
        NotText = "not-text";

    private readonly SortedDictionary<string, long> _outcomes = new(StringComparer.Ordinal);
    private long _bytes, _truncated, _outOfScope;

    public long Bytes => Interlocked.Read(ref _bytes);

    public long Truncated => Interlocked.Read(ref _truncated);

    public long OutOfScope => Interlocked.Read(ref _outOfScope);

    public long Pages => Of(Page) + Of(Revisit);

    public long Of(string outcome)
    {
        lock (_gate) return _outcomes.GetValueOrDefault(outcome);
    }

    public void Take(JournalLine line)
    {
        Interlocked.Add(ref _bytes, line.Bytes);
        Interlocked.Add(ref _outOfScope, line.OutOfScope);
        if (line.Truncated) Interlocked.Increment(ref _truncated);
        if (line.Outcome is { } outcome && line.Kind is LineKind.Done) Add(outcome);
    }

    public void Add(string outcome, long many = 1)
    {
        if (many == 0) return;
        lock (_gate) _outcomes[outcome] = _outcomes.GetValueOrDefault(outcome) + many;
    }

    public IReadOnlyDictionary<string, long> Errors()
    {
        lock (_gate)
        {
            return new SortedDictionary<string, long>(
                _outcomes.Where(pair => pair.Key is not (Page or Revisit or Redirect or Robots or OptedOut or NotText)).ToDictionary(),
                StringComparer.Ordinal
            );
        }
    }
}
