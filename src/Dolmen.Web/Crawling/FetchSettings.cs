using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Dolmen.Artifacts;

namespace Dolmen.Web.Crawling;

/// <param name="Folder">Where the files go, in the folders their names say.</param>
/// <param name="Listing">A file or address with one name a line, gzip or plain.</param>
/// <param name="Crawl">Instead of a listing: the name of a crawl at <paramref name="BaseUrl"/>.</param>
/// <param name="Kind">With <paramref name="Crawl"/>: which of its listings.</param>
/// <param name="Select"><c>every 100</c>, or lines and ranges of lines from 1 on: <c>1-5,8</c>.</param>
public sealed partial record FetchSettings(
    string Folder,
    string? Listing = null,
    string? Crawl = null,
    string Kind = "warc",
    string BaseUrl = FetchSettings.CommonCrawl,
    int? MaxFiles = null,
    string? Select = null,
    int Connections = 2
)
{
    public const string CommonCrawl = "https://data.commoncrawl.org/";

    /// <summary>How long a server may stay silent.</summary>
    internal TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The pause before a failed request is tried again for the first time.</summary>
    internal TimeSpan FirstPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <exception cref="UserErrorException">A setting is outside its bounds.</exception>
    internal void ThrowIfInvalid()
    {
        if (Listing is null == Crawl is null)
            throw new UserErrorException("either --listing or --crawl says what to fetch: give one of them.");
        if (Crawl is not null && !CrawlName().IsMatch(Crawl))
            throw new UserErrorException($"--crawl '{Crawl}' is not the name of a crawl: they are like CC-MAIN-2026-04.");
        if (Kind is not ("warc" or "wet" or "wat"))
            throw new UserErrorException($"--kind '{Kind}' is not one of warc, wet, wat.");
        if (MaxFiles is < 1)
            throw new UserErrorException($"--max-files is {MaxFiles}: it must be at least 1.");
        if (Connections is < 1 or > 64)
            throw new UserErrorException($"--connections is {Connections}: it must be between 1 and 64.");
        _ = Base();
    }

    internal Uri Base() =>
        Uri.TryCreate(BaseUrl.TrimEnd('/') + "/", UriKind.Absolute, out var uri)
        && uri.Scheme is "http" or "https"
        && uri.UserInfo.Length == 0
            ? uri
            : throw new UserErrorException(
                $"--base-url '{SecretFree.Address(BaseUrl)}' is not an address without a name and password: write it like {CommonCrawl}."
            );

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
    private static partial Regex CrawlName();
}

/// <param name="Listed">Names in the listing.</param>
/// <param name="Files">Those selected, on disk and whole.</param>
/// <param name="Present">How many of them were there before.</param>
/// <param name="Bytes">Fetched now.</param>
public sealed record FetchReport(int Listed, IReadOnlyList<string> Files, int Present, long Bytes, double Seconds);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(FetchReport))]
public sealed partial class FetchReportJson : JsonSerializerContext;
