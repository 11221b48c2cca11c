namespace Dolmen.Artifacts;

/// <summary>Recognises by their first bytes the kinds of file that people hand over by mistake, so that a message can name them.</summary>
public static class FileKind
{
    private static readonly (byte[] Start, string Name, string WayOut)[] Known =
    [
        ([0x1F, 0x8B], "a gzip file", "decompress it, or keep the ending .gz in its name"),
        ([0x28, 0xB5, 0x2F, 0xFD], "a Zstandard file", "decompress it, or keep the ending .zst in its name"),
        ("PAR1"u8.ToArray(), "a Parquet file", "convert it, or name it .parquet where Parquet is read"),
        ("PK\u0003\u0004"u8.ToArray(), "a zip archive", "unpack it and name the file inside"),
        ("BZh"u8.ToArray(), "a bzip2 file", "decompress it"),
        ([0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0], "an xz file", "decompress it"),
        ("GGUF"u8.ToArray(), "a GGUF model", "name a file of the kind that is read here"),
        ("SQLite format 3"u8.ToArray(), "an SQLite database", "export its rows as JSON lines"),
        ("ARROW1"u8.ToArray(), "an Arrow file", "convert it to Parquet or JSON lines"),
        ("%PDF"u8.ToArray(), "a PDF", "extract its text first"),
        ([0xFF, 0xFE], "UTF-16 text", "save it as UTF-8"),
        ([0xFE, 0xFF], "UTF-16 text", "save it as UTF-8"),
        ([0x80, 2], "a Python pickle", "Dolmen reads no pickles, because they can run code: convert it"),
    ];

    /// <returns>Such as "It seems to be a gzip file: decompress it.", or null where nothing is recognised.</returns>
    public static string? Hint(ReadOnlySpan<byte> bytes)
    {
        foreach (var (start, name, wayOut) in Known)
        {
            if (bytes.StartsWith(start)) return $"It seems to be {name}: {wayOut}.";
        }
        var text = bytes.TrimStart(" \t\r\n"u8);
        if (text.StartsWith("<!doctype html"u8) || text.StartsWith("<!DOCTYPE html"u8) || text.StartsWith("<html"u8))
        {
            return "It seems to be an HTML page, such as a server's error or log-in page: download the file again.";
        }
        if (text.StartsWith("version https://git-lfs"u8))
            return "It is a Git LFS pointer, and the file itself was not downloaded: run 'git lfs pull'.";
        return bytes.Length > 3 && bytes[..Math.Min(bytes.Length, 64)].IndexOf((byte)0) is 1 or 3
            ? "It seems to be UTF-16 text: save it as UTF-8." : null;
    }
}
