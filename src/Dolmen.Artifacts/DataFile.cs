using ICSharpCode.SharpZipLib;
using ICSharpCode.SharpZipLib.GZip;
using ZstdSharp;

namespace Dolmen.Artifacts;

/// <summary>A file of data that a user named, uncompressed on the way where it is gzip or Zstandard. What the file begins with decides
/// that, not its name. Damage ends reading with an error that names the file: what stands before it is never taken for the whole.</summary>
public sealed class DataFile : IDisposable
{
    private static readonly byte[] Gzip = [0x1F, 0x8B], Zstandard = [0x28, 0xB5, 0x2F, 0xFD];

    private readonly FileStream _raw;
    private readonly Stream _content;

    private DataFile(string path, FileStream raw)
    {
        (FilePath, _raw) = (path, raw);
        Span<byte> start = stackalloc byte[4];
        start = start[..raw.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        raw.Position = 0;
        // the runtime's takes a file that was cut short for a whole one
        if (start.StartsWith(Gzip)) _content = new GZipInputStream(raw);
        else if (start.StartsWith(Zstandard)) _content = new DecompressionStream(raw);
        else _content = raw;
        if (_content == raw && IsCompressed(path) && raw.Length > 0)
            throw new UserErrorException(
                $"{path} is not compressed although its name ends in {Path.GetExtension(path)}: rename it, or compress it."
            );
    }

    public string FilePath { get; }

    /// <param name="path">As the user named it.</param>
    /// <param name="what">What it should be, for the message where it is not there: "a file of JSON lines".</param>
    /// <exception cref="UserErrorException">No such file, a folder, not a regular file, or not compressed although its name says
    /// so.</exception>
    public static DataFile Open(string path, string what)
    {
        if (Directory.Exists(path)) throw new UserErrorException($"{path} is a folder: name {what}.");
        if (!File.Exists(path)) throw new UserErrorException($"{path} does not exist: name {what}.");
        if (FileTypes.Of(path) is var type && type != FileType.Regular)
            throw new UserErrorException($"{path} is {type.Name()}: name {what}, which is read more than once.");
        var raw = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        try
        {
            return new DataFile(path, raw);
        }
        catch
        {
            raw.Dispose();
            throw;
        }
    }

    /// <summary>Whether a name ends as compressed files do: .gz or .zst.</summary>
    public static bool IsCompressed(string path) =>
        path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".zst", StringComparison.OrdinalIgnoreCase);

    /// <summary>The extension of what is stored: ".jsonl" for a.jsonl and for a.jsonl.gz.</summary>
    public static string ContentExtension(string path) =>
        Path.GetExtension(IsCompressed(path) ? Path.GetFileNameWithoutExtension(path) : path);

    /// <returns>0 at the end.</returns>
    public int Read(Span<byte> into)
    {
        try
        {
            return _content.Read(into);
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException or ZstdException or SharpZipBaseException)
        {
            throw new UserErrorException(
                $"{FilePath} is damaged or cut short: its compressed content ends too early or is not as it was written. "
                    + "Copy it again from where it came.",
                error
            );
        }
    }

    /// <summary>All of it.</summary>
    /// <exception cref="UserErrorException">More than <paramref name="largest"/> bytes.</exception>
    public byte[] ReadAll(long largest)
    {
        using var all = new MemoryStream();
        var block = new byte[1 << 16];
        for (int read; (read = Read(block)) > 0;)
        {
            all.Write(block, 0, read);
            if (all.Length > largest)
                throw new UserErrorException($"{FilePath} holds more than {largest >> 20} MB, the most that is read at once: split it.");
        }
        return all.ToArray();
    }

    public void Dispose()
    {
        _content.Dispose();
        _raw.Dispose();
    }
}
