using System.Net;

namespace Dolmen.Web.Crawling;

/// <summary>Which addresses a crawl may visit: those of the hosts it was given.</summary>
internal sealed class ScopeRule(IReadOnlyList<WebAddress> seeds, CrawlScope scope)
{
    public bool Contains(WebAddress address)
    {
        foreach (var seed in seeds)
        {
            // The same host by https instead of http is inside; another port may belong to another server.
            if (address.Port != seed.Port && !(address.Uri.IsDefaultPort && seed.Uri.IsDefaultPort)) continue;
            if (address.Host == seed.Host || (scope == CrawlScope.Domain && IsBelow(address.Host, seed.Host))) return true;
        }
        return false;
    }

    private static bool IsBelow(string host, string seed)
    {
        if (IPAddress.TryParse(seed.Trim('[', ']'), out _)) return false;
        var domain = seed.StartsWith("www.", StringComparison.Ordinal) && seed.AsSpan(4).Contains('.') ? seed[4..] : seed;
        return host == domain
            || (host.Length > domain.Length && host.EndsWith(domain, StringComparison.Ordinal) && host[^(domain.Length + 1)] == '.');
    }
}
