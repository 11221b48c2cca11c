using System.Buffers;
using System.Collections.Frozen;
using Dolmen.Artifacts;

namespace Dolmen.Data.Filters;

/// <param name="BuiltIn">Take the built-in words of adult sites too.</param>
/// <param name="Domains">File of domains whose pages are dropped, subdomains too: one a line, or as hosts files and Adblock lists have
/// them.</param>
/// <param name="Urls">File of single addresses.</param>
/// <param name="BannedWords">File of words; one of them between other signs than letters and digits drops a page.</param>
/// <param name="SoftBannedWords">File of words of which <paramref name="MinSoftBannedWords"/> different ones drop a page.</param>
/// <param name="BannedSubwords">File of strings that drop a page wherever they occur among the address's letters and digits.</param>
internal sealed record UrlSettings(
    bool BuiltIn = true, string? Domains = null, string? Urls = null, string? BannedWords = null, string? SoftBannedWords = null,
    string? BannedSubwords = null, int MinSoftBannedWords = 2);

/// <summary>FineWeb's rules on addresses, as datatrove's URLFilter has them, before a page is even parsed.
/// Otherwise than there: a listed domain covers all hosts below it, whatever the registries' rules are; addresses are compared without
/// scheme and last slash; case never matters.</summary>
internal sealed class UrlFilter
{
    private const int MaxLength = 8192;
    private static readonly SearchValues<char> NoHost = SearchValues.Create("/*^$|#=&?[]()@,");
    private readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> _domains, _urls, _banned, _soft;
    private readonly SearchValues<string>? _subwords;
    private readonly int _minSoft;

    public UrlFilter(UrlSettings settings)
    {
        var builtIn = settings.BuiltIn ? BuiltInWords() : [];
        _domains = Set(Entries(settings.Domains).Select(Host));
        _urls = Set(Entries(settings.Urls).Select(url => Bare(url).ToString()));
        _banned = Set([.. Section(builtIn, '='), .. Entries(settings.BannedWords).Select(Letters)]);
        _soft = Set([.. Section(builtIn, '~'), .. Entries(settings.SoftBannedWords).Select(Letters)]);
        string[] subwords =
        [
            .. Section(builtIn, '*').Concat(Entries(settings.BannedSubwords).Select(Letters)).Where(word => word.Length > 0),
        ];
        _subwords = subwords.Length == 0 ? null : SearchValues.Create(subwords, StringComparison.Ordinal);
        _minSoft = settings.MinSoftBannedWords;
    }

    /// <returns>Null for a page to keep, and for one without an address.</returns>
    public Exclusion? Judge(string url)
    {
        if (url.Length == 0) return null;
        var address = url.AsSpan(0, Math.Min(url.Length, MaxLength));
        var rented = ArrayPool<char>.Shared.Rent(MaxLength * 2);
        var lower = rented.AsSpan(0, address.ToLowerInvariant(rented));
        var result = Judge(lower, rented.AsSpan(lower.Length));
        ArrayPool<char>.Shared.Return(rented);
        return result;
    }

    private Exclusion? Judge(ReadOnlySpan<char> url, Span<char> letters)
    {
        if (HasListedDomain(HostOf(url))) return new("url.domains", 1, 0);
        if (_urls.Contains(Bare(url))) return new("url.urls", 1, 0);
        int count = 0, soft = 0;
        for (var at = 0; at < url.Length;)
        {
            if (!char.IsAsciiLetterOrDigit(url[at]))
            {
                at++;
                continue;
            }
            var start = at;
            while (at < url.Length && char.IsAsciiLetterOrDigit(url[at])) letters[count++] = url[at++];
            var word = url[start..at];
            if (_banned.Contains(word)) return new("url.bannedWords", 1, 0);
            if (_soft.Contains(word) && !HasWord(url[..start], word)) soft++;
        }
        if (soft >= _minSoft) return new("url.minSoftBannedWords", soft, _minSoft);
        return _subwords is not null && letters[..count].ContainsAny(_subwords) ? new("url.bannedSubwords", 1, 0) : null;
    }

    private bool HasListedDomain(ReadOnlySpan<char> host)
    {
        while (!host.IsEmpty)
        {
            if (_domains.Contains(host)) return true;
            var dot = host.IndexOf('.');
            if (dot < 0) return false;
            host = host[(dot + 1)..];
        }
        return false;
    }

    private static bool HasWord(ReadOnlySpan<char> url, ReadOnlySpan<char> word)
    {
        for (var at = url.IndexOf(word); at >= 0;)
        {
            var end = at + word.Length;
            if ((at == 0 || !char.IsAsciiLetterOrDigit(url[at - 1])) && (end == url.Length || !char.IsAsciiLetterOrDigit(url[end])))
                return true;
            var next = url[end..].IndexOf(word);
            at = next < 0 ? -1 : end + next;
        }
        return false;
    }

    private static ReadOnlySpan<char> HostOf(ReadOnlySpan<char> url)
    {
        var rest = WithoutScheme(url);
        var end = rest.IndexOfAny('/', '?', '#');
        if (end >= 0) rest = rest[..end];
        rest = rest[(rest.LastIndexOf('@') + 1)..];
        var port = rest.LastIndexOf(':');
        return (port >= 0 && rest.IndexOf(']') < port ? rest[..port] : rest).TrimEnd('.');
    }

    private static ReadOnlySpan<char> Bare(ReadOnlySpan<char> url) => WithoutScheme(url).TrimEnd('/');

    private static ReadOnlySpan<char> WithoutScheme(ReadOnlySpan<char> url)
    {
        var scheme = url.IndexOf("://");
        return scheme is >= 0 and < 16 ? url[(scheme + 3)..] : url;
    }

    /// <summary>The host of a line: plain, <c>0.0.0.0 host</c>, or <c>||host^</c>; empty when the line blocks something else than a
    /// host.</summary>
    private static string Host(string line)
    {
        if (line.StartsWith("||", StringComparison.Ordinal))
            return line.EndsWith('^') && !line.AsSpan(2, line.Length - 3).ContainsAny(NoHost) ? line[2..^1] : "";
        if (line.StartsWith("@@", StringComparison.Ordinal)) return "";
        var parts = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var host = parts.Length > 1 && System.Net.IPAddress.TryParse(parts[0], out _) ? parts[1] : parts[0];
        return !host.AsSpan().ContainsAny(NoHost) && host.Contains('.') && host[0] is not ('.' or '-') ? host.TrimEnd('.') : "";
    }

    private static string Letters(string entry) => string.Concat(entry.Where(char.IsAsciiLetterOrDigit));

    private static IEnumerable<string> Entries(string? path) =>
        path is null ? [] : WordListFile.Read(path).Select(entry => entry.ToLowerInvariant());

    private static FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Set(IEnumerable<string> entries) =>
        entries.Where(entry => entry.Length > 0).ToFrozenSet(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    private static IEnumerable<string> Section(string[] lines, char mark) =>
        lines.Where(line => line[0] == mark).Select(line => line[1..].Trim());

    private static string[] BuiltInWords() =>
        [
            .. EmbeddedText.Read(typeof(UrlFilter), "adult-url-words.txt")
                .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Where(line => line[0] != '#'),
        ];
}
