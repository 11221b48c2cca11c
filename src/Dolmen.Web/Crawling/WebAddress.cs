using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace Dolmen.Web.Crawling;

/// <summary>An http or https address in one spelling: lower-case host in ASCII, no default port, no dot segments, no fragment. The query
/// stays as it is, for its order may matter.</summary>
internal sealed class WebAddress
{
    public const int MaxChars = 2048, MaxSegments = 32, MaxRepeats = 3;

    private const int MaxReadings = 4;

    private static readonly SearchValues<char> Stripped = SearchValues.Create("\t\n\r");

    private WebAddress(Uri uri, string text)
    {
        (Uri, Text, Host) = (uri, text, uri.IdnHost.ToLowerInvariant().TrimEnd('.'));
        Origin = $"{uri.Scheme}://{Host}:{uri.Port}";
    }

    public Uri Uri { get; }

    public string Text { get; }

    public string Host { get; }

    public int Port => Uri.Port;

    /// <summary>Scheme, host and port: what one robots.txt is for.</summary>
    public string Origin { get; }

    public string PathAndQuery => Uri.PathAndQuery;

    /// <returns>Nothing for what is not a web address, carries a name and password, or looks like a trap without end.</returns>
    public static WebAddress? Parse(string reference, Uri? from = null) => Parse(reference, from, 1);

    private static WebAddress? Parse(string reference, Uri? from, int depth)
    {
        var trimmed = reference.AsSpan().Trim(" \t\n\r\f");
        if (trimmed.Length > MaxChars) return null;
        var text = trimmed.ContainsAny(Stripped) ? Without(trimmed) : trimmed.ToString();
        Uri? uri;
        try
        {
            // On Unix "/path" alone would count as the address of a file.
            if (from is null ? !Uri.TryCreate(text, UriKind.Absolute, out uri) : !Uri.TryCreate(from, text, out uri)) return null;
            if (uri.Scheme is not ("http" or "https") || uri.UserInfo.Length > 0 || uri.IdnHost.Length is 0 or > 253) return null;
            var host = uri.IdnHost.ToLowerInvariant().TrimEnd('.');
            if (host.Length == 0 || uri.Port is < 1 or > 65535) return null;
            var shown = uri.HostNameType == UriHostNameType.IPv6 ? $"[{host.Trim('[', ']')}]" : host;
            var canonical = $"{uri.Scheme}://{shown}{(uri.IsDefaultPort ? "" : $":{uri.Port}")}{uri.PathAndQuery}";
            if (canonical.Length > MaxChars || IsTrap(uri.AbsolutePath)) return null;
            // What is read again must be the same address: some escapes are undone only in a second reading.
            var again = new Uri(canonical);
            return canonical.EndsWith(again.PathAndQuery, StringComparison.Ordinal) ? new WebAddress(again, canonical)
                : depth < MaxReadings ? Parse(canonical, null, depth + 1)
                : null;
        }
        catch (Exception error) when (error is UriFormatException or ArgumentException or InvalidOperationException)
        {
            return null;                                                 // a host name no encoder takes
        }
    }

    /// <summary>16 bytes that stand for the address: millions of them are remembered.</summary>
    public UInt128 Key() => KeyOf(Text);

    public static UInt128 KeyOf(string text)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }

    /// <summary>Deep paths, and the same folder again and again, come of relative links that a server answers wherever they lead.</summary>
    private static bool IsTrap(string path)
    {
        var segments = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (segments.Length > MaxSegments) return true;
        for (var i = 0; i < segments.Length; i++)
        {
            var same = 0;
            for (var j = i; j < segments.Length; j++)
            {
                if (segments[i] == segments[j]) same++;
            }
            if (same > MaxRepeats) return true;
        }
        return false;
    }

    private static string Without(ReadOnlySpan<char> text)
    {
        var kept = new StringBuilder(text.Length);
        foreach (var unit in text)
        {
            if (unit is not ('\t' or '\n' or '\r')) kept.Append(unit);
        }
        return kept.ToString();
    }
}
