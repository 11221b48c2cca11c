using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;

namespace Dolmen.Web.Crawling;

internal enum LineKind
{
    /// <summary>A crawl, or another pass of it, begins with these seeds.</summary>
    Crawl,

    /// <summary>An address that an earlier pass visited and this one is to visit again.</summary>
    Known,

    /// <summary>Addresses to visit.</summary>
    Found,

    /// <summary>An address was visited; where it leads is part of the same line.</summary>
    Done,

    /// <summary>Something was fetched that is not a page: robots.txt, a sitemap.</summary>
    Aside,

    /// <summary>All sitemaps of an origin were read.</summary>
    Sitemaps,

    /// <summary>The pass ended for a reason.</summary>
    End,
}

/// <summary>A step of a crawl. What one step changes stands on one line, so that it happened wholly or not at all.</summary>
/// <param name="File">The WARC file with the step's records, good as far as <paramref name="End"/>.</param>
internal sealed record JournalLine(
    LineKind Kind,
    string? Url = null,
    int Depth = 0,
    string? Outcome = null,
    long Bytes = 0,
    Visit? Visit = null,
    string? File = null,
    long End = 0,
    IReadOnlyList<string>? Index = null,
    IReadOnlyList<string>? Links = null,
    int LinkDepth = 0,
    int LinkHops = 0,
    bool Truncated = false,
    int OutOfScope = 0,
    IReadOnlyList<string>? PrivateSeeds = null,
    int Pass = 0);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault
)]
[JsonSerializable(typeof(JournalLine))]
internal sealed partial class JournalJson : JsonSerializerContext;

/// <summary>The steps of a crawl, one JSON value a line, only ever appended to: a crawl killed at any moment goes on from its last whole
/// line.</summary>
internal sealed class CrawlJournal : IDisposable
{
    private readonly FileStream _stream;

    private CrawlJournal(FileStream stream) => _stream = stream;

    /// <param name="take">Gets every line that stands.</param>
    /// <param name="archive">The folder of the WARC files. A line whose records did not reach the disk does not stand, nor do those after
    /// it.</param>
    /// <exception cref="UserErrorException">The journal is damaged, or a file it speaks of is gone.</exception>
    public static CrawlJournal Open(string path, string archive, Action<JournalLine> take)
    {
        var stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, 1 << 16);
        var lengths = new Dictionary<string, long>(StringComparer.Ordinal);
        long good = 0;
        using var line = new MemoryStream();
        var buffer = new byte[1 << 16];
        while (stream.Read(buffer) is var read and > 0)
        {
            var rest = buffer.AsSpan(0, read);
            while (rest.IndexOf((byte)'\n') is >= 0 and var end)
            {
                line.Write(rest[..end]);
                rest = rest[(end + 1)..];
                if (Parse(line.GetBuffer().AsSpan(0, (int)line.Length)) is not { } step)
                {
                    if (rest.IsEmpty && stream.Position == stream.Length) goto torn;
                    stream.Dispose();
                    throw new UserErrorException($"{path} is damaged at byte {good}: restore it, or crawl into another --out.");
                }
                if (!Reached(step)) goto torn;
                take(step);
                good += line.Length + 1;
                line.SetLength(0);
            }
            line.Write(rest);
        }
    torn:
        stream.SetLength(good);
        stream.Position = good;
        return new CrawlJournal(stream);

        bool Reached(JournalLine step)
        {
            if (step.File is not { } file) return true;
            if (lengths.TryGetValue(file, out var length)) return step.End <= length;
            var whole = new FileInfo(Path.Combine(archive, file));
            if (!whole.Exists)
            {
                // This is not what a power failure leaves: going on would cut off what was crawled after it.
                stream.Dispose();
                throw new UserErrorException(
                    $"{whole.FullName} is part of the crawl and no longer there: put it back, or crawl into another --out."
                );
            }
            lengths[file] = length = whole.Length;
            return step.End <= length;
        }

        JournalLine? Parse(ReadOnlySpan<byte> json)
        {
            try
            {
                return JsonSerializer.Deserialize(json, JournalJson.Default.JournalLine);
            }
            catch (JsonException)
            {
                return null;                                             // a write the power failed in
            }
        }
    }

    public void Append(JournalLine line)
    {
        JsonSerializer.Serialize(_stream, line, JournalJson.Default.JournalLine);
        _stream.WriteByte((byte)'\n');
        _stream.Flush();
    }

    /// <summary>Replaces the whole journal, at once.</summary>
    public static void Rewrite(string path, IEnumerable<JournalLine> lines) =>
        AtomicFile.WriteJsonLines(path, lines, JournalJson.Default.JournalLine);

    public void Dispose()
    {
        _stream.Flush(flushToDisk: true);
        _stream.Dispose();
    }
}
