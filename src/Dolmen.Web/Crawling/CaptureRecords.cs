using System.Security.Cryptography;
using System.Text;
using Dolmen.Web.Warc;

namespace Dolmen.Web.Crawling;

/// <summary>An earlier capture of an address: what a server is asked to compare with, and what a revisit refers to.</summary>
internal sealed record Visit(string? ETag, string? LastModified, string Digest, string Date, string RecordId);

/// <summary>Turns exchanges into WARC 1.1 records: the answer (or a revisit where nothing changed), the request, and what the crawler
/// knows.</summary>
internal sealed class CaptureRecords(string userAgent)
{
    private const string Unchanged = "http://netpreserve.org/warc/1.1/revisit/server-not-modified";
    private const string Identical = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest";

    /// <param name="earlier">The last capture of the same address, if any.</param>
    /// <returns>The records, the capture to compare with next time, and whether it is a revisit.</returns>
    public static (List<PackedRecord> Records, Visit Visit, bool IsRevisit) Of(
        Exchange exchange,
        Visit? earlier,
        IEnumerable<(string Name, string Value)> facts
    )
    {
        var date = Date(exchange.Date);
        var url = exchange.Address.Text;
        var digest = Sha1(exchange.Payload.Span);
        var notModified = exchange.Status == 304 && earlier is not null;
        var isRevisit = notModified || (exchange.IsSuccess && exchange.Truncated is null && earlier?.Digest == digest);
        if (notModified) digest = earlier!.Digest;
        var id = RecordId(url, date, "response");
        var head = exchange.Head.Span;
        var body = isRevisit ? [] : exchange.Body.Span;
        var fields = new List<(string, string)>
        {
            ("WARC-Type", isRevisit ? "revisit" : "response"),
            ("WARC-Record-ID", id),
            ("WARC-Date", date),
            ("WARC-Target-URI", url),
        };
        if (exchange.Ip is { } ip) fields.Add(("WARC-IP-Address", ip));
        if (isRevisit)
        {
            fields.Add(("WARC-Profile", notModified ? Unchanged : Identical));
            fields.Add(("WARC-Refers-To", earlier!.RecordId));
            fields.Add(("WARC-Refers-To-Target-URI", url));
            fields.Add(("WARC-Refers-To-Date", earlier.Date));
        }
        fields.Add(("WARC-Payload-Digest", "sha1:" + digest));
        fields.Add(("WARC-Block-Digest", "sha1:" + Sha1(head, body)));
        if (exchange.Truncated is { } reason) fields.Add(("WARC-Truncated", reason));
        fields.Add(("Content-Type", "application/http; msgtype=response"));
        var answer = PackedRecord.Of(fields, head, body);
        var media = isRevisit ? "warc/revisit" : exchange.MediaType;
        answer = answer with
        {
            Index = (file, offset) =>
                CdxjIndex.Line(url, exchange.Date, media, exchange.Status, digest, answer.Member.Length, file, offset),
        };

        List<(string, string)> Beside(string type, string content, ReadOnlySpan<byte> block) =>
        [
            ("WARC-Type", type), ("WARC-Record-ID", RecordId(url, date, type)), ("WARC-Date", date), ("WARC-Target-URI", url),
            ("WARC-Concurrent-To", id), ("WARC-Block-Digest", "sha1:" + Sha1(block)), ("Content-Type", content),
        ];

        var request = PackedRecord.Of(
            Beside("request", "application/http; msgtype=request", exchange.Request.Span),
            exchange.Request.Span,
            []
        );
        var known = Fields(facts.Prepend(("fetchTimeMs", $"{exchange.Took.TotalMilliseconds:0}")));
        var metadata = PackedRecord.Of(Beside("metadata", "application/warc-fields", known), known, []);
        var visit = new Visit(
            exchange.ETag ?? (notModified ? earlier!.ETag : null),
            exchange.LastModified ?? (notModified ? earlier!.LastModified : null),
            digest,
            isRevisit ? earlier!.Date : date,
            isRevisit ? earlier!.RecordId : id
        );
        return ([answer, request, metadata], visit, isRevisit);
    }

    public PackedRecord Describe(string file, DateTimeOffset now)
    {
        var block = Fields([
            ("software", userAgent),
            ("format", "WARC File Format 1.1"),
            ("conformsTo", "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"),
            ("robots", "obey"),
            ("http-header-user-agent", userAgent),
        ]);
        return PackedRecord.Of(
            [
                ("WARC-Type", "warcinfo"),
                ("WARC-Record-ID", RecordId(file, Date(now), "warcinfo")),
                ("WARC-Date", Date(now)),
                ("WARC-Filename", file),
                ("WARC-Block-Digest", "sha1:" + Sha1(block)),
                ("Content-Type", "application/warc-fields"),
            ],
            block,
            []
        );
    }

    /// <summary>Writes a date to the microsecond, so that two captures of an address have two dates.</summary>
    public static string Date(DateTimeOffset date) => date.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'");

    /// <summary>A name made of what the record is, so that it is the same however often it is made.</summary>
    private static string RecordId(string of, string date, string type)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{of}\n{date}\n{type}"))[..16];
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);                       // version 8: made by rules of one's own
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return $"<urn:uuid:{new Guid(hash, bigEndian: true)}>";
    }

    private static byte[] Fields(IEnumerable<(string Name, string Value)> fields)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in fields) text.Append(name).Append(": ").Append(value).Append("\r\n");
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static string Sha1(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second = default)
    {
        // SHA-1 in base 32 is what WARC tools compare; nothing here relies on it being hard to forge.
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        hash.AppendData(first);
        hash.AppendData(second);
        Span<byte> bytes = stackalloc byte[20];
        hash.GetHashAndReset(bytes);
        Span<char> text = stackalloc char[32];
        for (var i = 0; i < 32; i++)
        {
            var bit = i * 5;
            var pair = (bytes[bit >> 3] << 8) | (bit >> 3 < 19 ? bytes[(bit >> 3) + 1] : 0);
            text[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(pair >> (11 - (bit & 7))) & 31];
        }
        return new string(text);
    }
}
