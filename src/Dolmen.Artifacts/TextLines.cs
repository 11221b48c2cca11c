namespace Dolmen.Artifacts;

/// <summary>The lines of a file as bytes, without their ends. Only a line feed ends a line, and a carriage return before it belongs to the
/// end; a byte-order mark is skipped.</summary>
public static class TextLines
{
    /// <summary>The most bytes a line may have.</summary>
    public const int Longest = 64 << 20;

    /// <returns>Line numbers from 1, and bytes that stay as they are.</returns>
    /// <exception cref="UserErrorException">No such file, damaged, or a line longer than <see cref="Longest"/>.</exception>
    public static IEnumerable<(long Number, ReadOnlyMemory<byte> Line)> Read(string path, string what)
    {
        using var file = DataFile.Open(path, what);
        foreach (var line in Read(file)) yield return line;
    }

    internal static IEnumerable<(long Number, ReadOnlyMemory<byte> Line)> Read(DataFile file)
    {
        var buffer = new byte[1 << 16];
        var (held, scanned, number, ended) = (0, 0, 0L, false);
        while (true)
        {
            var end = Array.IndexOf(buffer, (byte)'\n', scanned, held - scanned);
            if (end < 0 && !ended)
            {
                scanned = held;
                if (held == buffer.Length)
                {
                    if (held >= Longest)
                        throw new UserErrorException(
                            $"{file.FilePath}, line {number + 1} is longer than {Longest >> 20} MB, the most a line may have: split what "
                                + $"it holds."
                        );
                    Array.Resize(ref buffer, buffer.Length * 2);
                }
                var read = file.Read(buffer.AsSpan(held));
                held += read;
                ended = read == 0;
                continue;
            }
            var length = end < 0 ? held : end;
            if (end < 0 && length == 0) yield break;
            number++;
            yield return (number, Trimmed(buffer.AsSpan(0, length), number).ToArray());
            if (end < 0) yield break;
            held -= length + 1;
            buffer.AsSpan(length + 1, held).CopyTo(buffer);
            scanned = 0;
        }
    }

    private static ReadOnlySpan<byte> Trimmed(ReadOnlySpan<byte> line, long number)
    {
        if (number == 1 && line.StartsWith("\uFEFF"u8)) line = line[3..];
        return line.EndsWith("\r"u8) ? line[..^1] : line;
    }
}
