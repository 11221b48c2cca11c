using System.Net;
using System.Net.Sockets;

namespace Dolmen.Data.Privacy;

/// <summary>Addresses of the public internet: those of private networks, loopback, documentation and the like say nothing of
/// anyone.</summary>
internal static class IpAddresses
{
    private const int MaxV6 = 45;

    /// <returns>0 when no public address begins here.</returns>
    public static int LengthAt(ReadOnlySpan<char> text, int at)
    {
        var length = V4(text[at..]);
        if (length > 0) return IsHeading(text[..at]) || VersionNumbers.IsAt(text, at, length) ? 0 : length;
        return V6(text, at);
    }

    /// <summary>Numbers of sections have four parts too: those that begin a heading of Markdown are not addresses.</summary>
    private static bool IsHeading(ReadOnlySpan<char> before)
    {
        before = before[(before.LastIndexOf('\n') + 1)..].TrimEnd(' ');
        return before.Length is > 0 and <= 6 && before.IndexOfAnyExcept('#') < 0;
    }

    private static int V4(ReadOnlySpan<char> text)
    {
        Span<int> parts = stackalloc int[4];
        var at = 0;
        for (var part = 0; part < 4; part++)
        {
            if (part > 0 && (at >= text.Length || text[at++] != '.')) return 0;
            int value = 0, digits = 0;
            for (; at < text.Length && char.IsAsciiDigit(text[at]) && digits < 4; digits++) value = (value * 10) + text[at++] - '0';
            if (digits is 0 or 4 || value > 255) return 0;
            parts[part] = value;
        }
        // Longer dotted numbers are versions and section numbers.
        if (
            at < text.Length
            && (char.IsLetterOrDigit(text[at]) || (text[at] == '.' && at + 1 < text.Length && char.IsAsciiDigit(text[at + 1])))
        )
            return 0;
        return IsPublic(parts[0], parts[1], parts[2]) ? at : 0;
    }

    private static bool IsPublic(int a, int b, int c) => (a, b, c) switch
    {
        (0 or 10 or 127 or >= 224, _, _) => false,
        (100, >= 64 and < 128, _) or (169, 254, _) or (172, >= 16 and < 32, _) or (192, 168, _) => false,
        (192, 0, 0 or 2) or (198, 18 or 19, _) or (198, 51, 100) or (203, 0, 113) => false,
        _ => true,
    };

    // Global unicast is 2000::/3 so far, so a public address begins with 2 or 3.
    private static int V6(ReadOnlySpan<char> text, int at)
    {
        if (text[at] is not ('2' or '3') || (at > 0 && text[at - 1] == ':')) return 0;
        var end = at;
        var colons = 0;
        var last = Math.Min(text.Length, at + MaxV6 + 1);
        while (end < last && (char.IsAsciiHexDigit(text[end]) || text[end] == ':'))
        {
            if (text[end++] == ':') colons++;
            else if (colons == 0 && end - at > 4) return 0;
        }
        if (colons < 2 || end - at > MaxV6) return 0;
        if (end < text.Length && char.IsLetterOrDigit(text[end])) return 0;
        if (text[end - 1] == ':' && text[end - 2] != ':') end--;
        var candidate = text[at..end];
        if (candidate.IndexOf("::") < 0 && candidate.Count(':') != 7)
            return 0;
        if (
            candidate.IndexOf(':') != 4
            || !IPAddress.TryParse(candidate, out var address)
            || address.AddressFamily != AddressFamily.InterNetworkV6
        )
            return 0;
        return
            candidate.StartsWith("2001:db8:", StringComparison.OrdinalIgnoreCase)
            || candidate.StartsWith("2001:0db8:", StringComparison.OrdinalIgnoreCase)
            ? 0
            : end - at;
    }
}
