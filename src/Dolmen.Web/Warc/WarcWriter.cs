using System.IO.Compression;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Web.Warc;

/// <summary>A record made ready: its own gzip member, and the line of the index it gets once its place is known.</summary>
/// <param name="Index">The index line for a file name and an offset; nothing for records no one looks up.</param>
internal sealed record PackedRecord(byte[] Member, Func<string, long, string>? Index = null)
{
    /// <param name="fields">Named fields without <c>Content-Length</c>, in order.</param>
    public static PackedRecord Of(IEnumerable<(string Name, string Value)> fields, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body)
    {
        var text = new StringBuilder("WARC/1.1\r\n");
        foreach (var (name, value) in fields) text.Append(name).Append(": ").Append(OneLine(value)).Append("\r\n");
        text.Append("Content-Length: ").Append(head.Length + body.Length).Append("\r\n\r\n");
        using var member = new MemoryStream();
        using (var gzip = new GZipStream(member, CompressionLevel.Optimal, leaveOpen: true))
        {
            gzip.Write(Encoding.UTF8.GetBytes(text.ToString()));
            gzip.Write(head);
            gzip.Write(body);
            gzip.Write("\r\n\r\n"u8);
        }
        return new PackedRecord(member.ToArray());
    }

    private static string OneLine(string value) => value.AsSpan().ContainsAny('\r', '\n') ? value.ReplaceLineEndings(" ") : value;
}

/// <summary>Appends records to numbered WARC files, a gzip member each, and begins a new file where one has grown long enough. What
/// belongs together is written at once, so that a file ends in the middle of it only when the machine stops in the middle of a
/// write.</summary>
/// <param name="describe">The warcinfo record each file opens with.</param>
internal sealed class WarcWriter(string folder, string prefix, long maxBytes, Func<string, PackedRecord> describe) : IDisposable
{
    public const string Extension = ".warc.gz";

    private FileStream? _stream;
    private int _number;

    /// <summary>The file being written and how far it is good; empty before anything was written.</summary>
    public (string File, long End) Position { get; private set; } = ("", 0);

    /// <summary>Goes on behind the last record known to be whole: what lies behind it in that file was torn, a file after it is an
    /// empty beginning.</summary>
    /// <exception cref="UserErrorException">The file is shorter than it was, or more was written after it than one step can
    /// have.</exception>
    public void GoOn(string file, long end)
    {
        var later = Directory
            .GetFiles(folder, $"{prefix}-*{Extension}")
            .Where(path => string.CompareOrdinal(Path.GetFileName(path), file) > 0)
            .ToList();
        if (later.Count > 1)
        {
            throw new UserErrorException(
                $"{later[0]} and {later.Count - 1} more files lie behind the last step of the crawl that is known: it cannot go on "
                    + "without losing them. Move them away, or crawl into another --out."
            );
        }
        later.ForEach(File.Delete);
        if (file.Length == 0) return;
        var whole = new FileInfo(Path.Combine(folder, file));
        if (!whole.Exists || whole.Length < end)
        {
            throw new UserErrorException(
                $"{whole.FullName} has {(whole.Exists ? whole.Length : 0)} bytes where {end} were written: the crawl cannot go "
                    + "on from it. Restore the file, or crawl into another --out."
            );
        }
        _number = int.Parse(file.AsSpan(prefix.Length + 1, 5)) + 1;
        _stream = new FileStream(whole.FullName, FileMode.Open, FileAccess.ReadWrite, FileShare.Read, 1);
        _stream.SetLength(end);
        _stream.Position = end;
        Position = (file, end);
    }

    /// <returns>The index lines of the records.</returns>
    public List<string> Append(IReadOnlyList<PackedRecord> records)
    {
        if (_stream is null || Position.End >= maxBytes) Open();
        var (file, offset) = Position;
        var lines = new List<string>();
        using var together = new MemoryStream();
        foreach (var record in records)
        {
            if (record.Index is { } index) lines.Add(index(file, offset + together.Length));
            together.Write(record.Member);
        }
        Write(together.GetBuffer().AsSpan(0, (int)together.Length));
        return lines;
    }

    public int Files => _number;

    public void Dispose()
    {
        _stream?.Flush(flushToDisk: true);
        _stream?.Dispose();
        _stream = null;
    }

    private void Open()
    {
        Dispose();
        if (_number == 100_000)
            throw new UserErrorException($"{folder} would hold more than 100000 WARC files: give a larger --warc-size or another --out.");
        var name = $"{prefix}-{_number++:00000}{Extension}";
        _stream = new FileStream(Path.Combine(folder, name), FileMode.Create, FileAccess.ReadWrite, FileShare.Read, 1);
        Position = (name, 0);
        Write(describe(name).Member);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _stream!.Write(bytes);
            _stream.Flush();
        }
        catch (IOException)
        {
            _stream!.SetLength(Position.End);                            // the disk is full: leave whole records
            throw;
        }
        Position = (Position.File, Position.End + bytes.Length);
    }
}
