using System.Globalization;
using System.Text;

namespace Dolmen.Web.Crawling;

/// <summary>What a robots.txt lets one crawler do (RFC 9309): the groups that name it, or else those for all; of the rules that match
/// the longest wins, and of two as long the one that allows.</summary>
internal sealed class RobotsRules
{
    public const int MaxBytes = 500 << 10;
    private const int MaxRules = 20_000, MaxSitemaps = 1000;
    private const double MaxSeconds = 1e12;

    private readonly List<(bool Allow, string Pattern)> _rules = [];

    private RobotsRules() { }

    public static RobotsRules AllowAll { get; } = new();

    /// <summary>What holds while a server cannot say its rules.</summary>
    public static RobotsRules DisallowAll { get; } = new() { _rules = { (false, "/") } };

    /// <summary>The pause between requests that the file asks for, however long.</summary>
    public double CrawlDelaySeconds { get; private set; }

    public List<string> Sitemaps { get; } = [];

    /// <summary>The name that robots.txt may call a crawler by: the letters, hyphens and underscores its user agent begins with.</summary>
    public static string ProductToken(string userAgent)
    {
        var end = 0;
        while (end < userAgent.Length && (char.IsAsciiLetter(userAgent[end]) || userAgent[end] is '-' or '_')) end++;
        return userAgent[..end];
    }

    public static RobotsRules Parse(ReadOnlySpan<byte> file, string productToken)
    {
        if (file.Length > MaxBytes) file = file[..MaxBytes];
        if (file is [0xEF, 0xBB, 0xBF, ..]) file = file[3..];
        var (named, others) = (new RobotsRules(), new RobotsRules());
        var isNamed = false;
        // Groups of the same agent are read as one. Agents in a row share the rules that follow; a rule ends the row.
        bool forNamed = false, forOthers = false, inAgents = false;
        foreach (var raw in Encoding.UTF8.GetString(file).AsSpan().EnumerateLines())
        {
            var line = raw.IndexOf('#') is >= 0 and var comment ? raw[..comment] : raw;
            if (line.IndexOf(':') is not (> 0 and var colon)) continue;
            var key = line[..colon].Trim();
            var value = line[(colon + 1)..].Trim();
            if (Is(key, "user-agent"))
            {
                if (!inAgents) (forNamed, forOthers, inAgents) = (false, false, true);
                if (value is "*") forOthers = true;
                else if (Is(ProductToken(value.ToString()), productToken)) forNamed = isNamed = true;
            }
            else if (Is(key, "sitemap"))
            {
                if (named.Sitemaps.Count < MaxSitemaps && value.Length > 0) named.Sitemaps.Add(value.ToString());
            }
            else if (Is(key, "allow") || Is(key, "disallow") || Is(key, "crawl-delay"))
            {
                inAgents = false;
                if (forNamed) named.Take(key, value);
                if (forOthers) others.Take(key, value);
            }
        }
        var chosen = isNamed ? named : others;
        if (!isNamed) chosen.Sitemaps.AddRange(named.Sitemaps);          // they are for everyone, wherever they stand
        return chosen;
    }

    /// <param name="pathAndQuery">As it would be asked for.</param>
    public bool Allows(string pathAndQuery)
    {
        if (pathAndQuery is "/robots.txt") return true;
        var path = Decoded(pathAndQuery);
        var (length, allow) = (-1, true);
        foreach (var rule in _rules)
        {
            if (rule.Pattern.Length < length || (rule.Pattern.Length == length && !rule.Allow) || !Matches(rule.Pattern, path)) continue;
            (length, allow) = (rule.Pattern.Length, rule.Allow);
        }
        return allow;
    }

    private void Take(ReadOnlySpan<char> key, ReadOnlySpan<char> value)
    {
        if (Is(key, "crawl-delay"))
        {
            if (double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds > 0)
                CrawlDelaySeconds = Math.Min(MaxSeconds, Math.Max(CrawlDelaySeconds, seconds));
            return;
        }
        if (value.Length is 0 or > WebAddress.MaxChars || _rules.Count == MaxRules) return;   // an empty rule matches nothing
        var pattern = Decoded(value[0] is '/' or '*' ? value.ToString() : "/" + value.ToString());
        _rules.Add((Is(key, "allow"), pattern));
    }

    /// <summary>One spelling of percent-encoding on both sides: what need not be encoded is not, the rest has capital digits.</summary>
    private static string Decoded(string path)
    {
        if (path.IndexOf('%') < 0 && Ascii.IsValid(path)) return path;
        var text = new StringBuilder(path.Length);
        foreach (var octet in Encoding.UTF8.GetBytes(path))
        {
            if (octet < 0x80) text.Append((char)octet);
            else text.Append('%').Append(octet.ToString("X2"));
        }
        for (var i = 0; i + 2 < text.Length; i++)
        {
            if (text[i] != '%' || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2])) continue;
            var value = (char)((Digit(text[i + 1]) << 4) | Digit(text[i + 2]));
            if (char.IsAsciiLetterOrDigit(value) || value is '-' or '.' or '_' or '~') text.Remove(i, 2)[i] = value;
            else (text[i + 1], text[i + 2]) = (char.ToUpperInvariant(text[i + 1]), char.ToUpperInvariant(text[i + 2]));
        }
        return text.ToString();

        static int Digit(char c) => char.IsAsciiDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
    }

    /// <summary>A star is any run of characters, a dollar sign at the end ties the pattern to the end; else it is a prefix. Linear in
    /// both: on a mismatch only the last star is tried further on.</summary>
    private static bool Matches(string pattern, string path)
    {
        var tied = pattern.EndsWith('$');
        var length = tied ? pattern.Length - 1 : pattern.Length;
        int p = 0, t = 0, star = -1, mark = 0;
        while (true)
        {
            if (p == length && (!tied || t == path.Length)) return true;
            if (p < length && pattern[p] == '*')
            {
                (star, mark) = (p++, t);
            }
            else if (p < length && t < path.Length && pattern[p] == path[t])
            {
                p++;
                t++;
            }
            else
            {
                if (star < 0 || mark >= path.Length) return false;
                (p, t) = (star + 1, ++mark);
            }
        }
    }

    private static bool Is(ReadOnlySpan<char> text, string word) => text.Equals(word, StringComparison.OrdinalIgnoreCase);
}
