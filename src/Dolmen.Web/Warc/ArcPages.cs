using System.Globalization;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Artifacts.Compression;

namespace Dolmen.Web.Warc;

/// <summary>The pages of ARC files (versions 1 and 2), the Internet Archive's format before WARC: a line with URL, address, date, media
/// type and, last, length, then what the server sent.</summary>
public static class ArcPages
{
    private const int MaxLineBytes = 1 << 14;
    private const int Peek = 8;

    public static bool Begins(ReadOnlySpan<byte> bytes) => bytes.StartsWith("filedesc"u8);

    public static IEnumerable<WebPage> Read(
        InputFile file,
        StoredMembers members,
        PageLimits limits,
        Funnel funnel,
        CancellationToken stop
    )
    {
        var window = new MemberWindow(members, Peek, BeginsRecord, (offset, reason) => funnel.Break(file.Name, offset, reason));
        var told = false;
        while (true)
        {
            stop.ThrowIfCancellationRequested();
            while (window.Has(1) && window.Bytes[0] is (byte)'\r' or (byte)'\n') window.Advance(1);
            if (window.Bytes.Length == 0)
            {
                if (window.Flaw is { } flaw && !told) funnel.Break(file.Name, window.Offset, flaw);
                told = false;
                if (!window.Cross()) yield break;
                continue;
            }
            var record = Next(window, file, limits, funnel, stop);
            told = window.Flaw is not null;
            if (record is not null) yield return record;
        }
    }

    private static WebPage? Next(MemberWindow window, InputFile file, PageLimits limits, Funnel funnel, CancellationToken stop)
    {
        var (offset, position) = (window.Offset, window.Position);
        var line = Line(window);
        var fields = line < 0 ? [] : Encoding.UTF8.GetString(window.Bytes[..line]).TrimEnd('\r').Split(' ');
        if (fields.Length < 5 || !long.TryParse(fields[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var length))
        {
            // There is no mark to look for: the rest of the member is lost, the next is not.
            return Broken(window.Flaw ?? "arc-header-broken");
        }
        window.Advance(line + 1);
        var tooBig = length > limits.MaxRecordBytes;
        for (var left = length; tooBig && left > 0;)
        {
            stop.ThrowIfCancellationRequested();
            if (!window.Has(1)) return Broken(window.Flaw ?? "arc-truncated");
            var take = (int)Math.Min(left, window.Bytes.Length);
            window.Advance(take);
            left -= take;
        }
        if (tooBig)
        {
            funnel.Break(file.Name, offset, "record-too-big");
            return null;
        }
        if (!window.Has((int)length)) return Broken(window.Flaw ?? "arc-truncated");
        // reads on to the member's trailer, which may say that it is damaged
        window.Has((int)length + 2);
        if (window.Flaw is { } flaw && window.Bytes.Length <= length + 2)
            return Broken(flaw);
        var page = new WebPage(
            $"{file.Name}#{offset}{(position == 0 ? "" : $"+{position}")}",
            file.Dump,
            fields[0],
            Date(fields[2]),
            offset
        );
        var block = window.Bytes[..(int)length];
        WebPage? record = null;
        if (fields[0].StartsWith("filedesc:", StringComparison.OrdinalIgnoreCase)) funnel.Note("arc-info");
        else if (fields[0].StartsWith("dns:", StringComparison.OrdinalIgnoreCase)) funnel.Note("warc-dns");
        else if (HttpMessage.Begins(block)) record = WebRecord.FromHttp(page, file, "", block, limits, funnel);
        else record = WebRecord.FromContent(page, HttpMessage.MediaType(fields[3]), null, block.ToArray(), funnel);
        window.Advance((int)length);
        return record;

        WebPage? Broken(string reason)
        {
            funnel.Break(file.Name, offset, reason);
            do window.Advance(window.Bytes.Length);
            while (window.Fill());
            return null;
        }
    }

    private static int Line(MemberWindow window)
    {
        while (true)
        {
            var end = window.Bytes[..Math.Min(window.Bytes.Length, MaxLineBytes)].IndexOf((byte)'\n');
            if (end >= 0 || window.Bytes.Length >= MaxLineBytes || !window.Fill()) return end;
        }
    }

    private static bool BeginsRecord(ReadOnlySpan<byte> bytes) =>
        bytes.StartsWith("http"u8)
        || bytes.StartsWith("dns:"u8)
        || bytes.StartsWith("ftp:"u8)
        || bytes.StartsWith("filedesc"u8)
        || bytes.StartsWith("warcinfo"u8);

    // 20040813120000 to 2004-08-13T12:00:00Z.
    private static string Date(string stamp) =>
        DateTime.TryParseExact(stamp, "yyyyMMddHHmmss", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
            ? $"{date:yyyy-MM-ddTHH:mm:ss}Z"
            : "";
}
