using System.Text;
using Dolmen.Artifacts;
using ICSharpCode.SharpZipLib;

namespace Dolmen.Artifacts;

/// <summary>Reads what others wrote within stated bounds: a file that breaks one is the user's error, not an exhausted machine.</summary>
public static class BoundedText
{
    public const long MaxFileBytes = 256L << 20;
    public const int MaxLineBytes = 16 << 20;
    /// <summary>All the text a build holds in memory, and the most a compressed file may unfold to (in bytes).</summary>
    public const long MaxCorpusChars = 1L << 30;

    public static byte[] ReadBytes(InputFile file) =>
        Guard(
            file,
            () =>
            {
                using var stream = OpenFile(file);
                if (stream.Length > MaxFileBytes)
                    throw new UserErrorException(
                        $"{file.Path} has {stream.Length >> 20} MB: a file may have {MaxFileBytes >> 20} MB. Split it, or store its texts "
                            + $"as JSON lines."
                    );
                var bytes = new byte[stream.Length];
                stream.ReadExactly(bytes);
                return bytes;
            }
        );

    /// <summary>The file's text. Bytes that are not UTF-8 become U+FFFD and are noted; a byte order mark of UTF-16 is honoured.</summary>
    public static string ReadText(InputFile file, Funnel funnel) => Decode(ReadBytes(file), file.Name, funnel);

    public static string Decode(ReadOnlySpan<byte> bytes, string source, Funnel funnel)
    {
        if (bytes is [0xFF, 0xFE, ..]) return Encoding.Unicode.GetString(bytes[2..]);
        if (bytes is [0xFE, 0xFF, ..]) return Encoding.BigEndianUnicode.GetString(bytes[2..]);
        if (bytes is [0xEF, 0xBB, 0xBF, ..]) bytes = bytes[3..];
        return ReplacedBytes.Decode(bytes, source, 0, funnel);
    }

    /// <exception cref="UserErrorException">It is not a regular file, or there is none.</exception>
    public static FileStream OpenFile(InputFile file)
    {
        InputPlace.ThrowUnlessFile(file.Path);
        return new(file.Path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
    }

    /// <summary>Turns what a disk or a decompressor says into one message that names the file.</summary>
    public static T Guard<T>(InputFile file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException or SharpZipBaseException)
        {
            throw new UserErrorException($"{file.Path} is truncated or corrupt: {error.Message} Restore the file or leave it out.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{file.Path} cannot be read: {error.Message} Check its permissions or leave it out.", error);
        }
    }
}
