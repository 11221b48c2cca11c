using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Web.Warc;

/// <summary>The index that replay tools read: a line for each capture, sorted by bytes, of an address turned around, a time and where the
/// record lies.</summary>
internal static class CdxjIndex
{
    public const string FileName = "index.cdxj";

    private const int MaxLineChars = 1 << 16;

    public static string Line(
        string url,
        DateTimeOffset date,
        string mediaType,
        int status,
        string sha1,
        int length,
        string file,
        long offset
    )
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteString("url", url);
            writer.WriteString("mime", mediaType.Length > 0 ? mediaType : "unk");
            writer.WriteString("status", status.ToString());
            writer.WriteString("digest", sha1);
            writer.WriteString("length", length.ToString());
            writer.WriteString("offset", offset.ToString());
            writer.WriteString("filename", file);
            writer.WriteEndObject();
        }
        return $"{Surt(url)} {date.UtcDateTime:yyyyMMddHHmmss} {Encoding.UTF8.GetString(json.ToArray())}";
    }

    /// <summary>Sort-friendly: <c>http://www.Example.org/a?c&amp;b</c> is <c>org,example)/a?b&amp;c</c>.</summary>
    public static string Surt(string url)
    {
        var uri = new Uri(url);
        var host = uri.IdnHost.ToLowerInvariant().TrimEnd('.');
        if (uri.HostNameType == UriHostNameType.Dns)
        {
            var dot = host.IndexOf('.');
            if (
                dot > 2
                && host.StartsWith("www", StringComparison.Ordinal)
                && host.AsSpan(3, dot - 3).IndexOfAnyExceptInRange('0', '9') < 0
                && host.IndexOf('.', dot + 1) > 0
            )
                host = host[(dot + 1)..];
        }
        if (uri.HostNameType != UriHostNameType.IPv6) host = string.Join(',', host.Split('.').Reverse());
        var path = uri.AbsolutePath.ToLowerInvariant();
        if (path.Length > 1)
            path = path.TrimEnd('/') is { Length: > 0 } stripped ? stripped : "/";
        var query =
            uri.Query.Length > 1 ? "?" + string.Join('&', uri.Query[1..].ToLowerInvariant().Split('&').Order(StringComparer.Ordinal)) : "";
        return $"{host}{(uri.IsDefaultPort ? "" : $":{uri.Port}")}){path}{query}";
    }

    /// <summary>Puts lines into the sorted index of a folder: the old index streams past, lines it has already are not doubled.</summary>
    public static void Merge(string folder, List<string> lines)
    {
        lines.Sort(StringComparer.Ordinal);
        var path = Path.Combine(folder, FileName);
        AtomicFile.Write(path, stream =>
        {
            using var writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
            using var old = File.Exists(path) ? new StreamReader(RegularFile.OpenRead(path)) : null;
            var (next, last) = (Next(old), "");
            foreach (var line in lines)
            {
                for (; next is not null && string.CompareOrdinal(next, line) <= 0; next = Next(old)) Put(next);
                Put(line);
            }
            for (; next is not null; next = Next(old)) Put(next);

            void Put(string line)
            {
                if (line == last) return;
                writer.WriteLine(line);
                last = line;
            }
        });
    }

    /// <summary>What is not a line of an index is stepped over: the captures behind it must not be lost.</summary>
    private static string? Next(StreamReader? reader)
    {
        while (reader?.ReadLine() is { } line)
            if (line.Length is > 0 and <= MaxLineChars) return line;
        return null;
    }
}
