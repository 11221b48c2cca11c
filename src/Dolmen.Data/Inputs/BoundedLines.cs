using Dolmen.Artifacts;
using ICSharpCode.SharpZipLib.GZip;

namespace Dolmen.Data.Inputs;

/// <summary>Lines of a file as bytes, one at a time, uncompressed on the way when it is gzip.</summary>
internal static class BoundedLines
{
    public static void ForEach(InputFile file, Action<int, byte[]> body) => BoundedText.Guard(file, () =>
    {
        using var raw = BoundedText.OpenFile(file);
        var compressed = file.Path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
        if (compressed && raw.Length == 0) throw new InvalidDataException("It is empty.");
        using Stream stream = compressed ? new GZipInputStream(raw) : raw;
        var buffer = new byte[1 << 16];
        using var line = new MemoryStream();
        var number = 0;
        long total = 0;
        int read;
        while ((read = stream.Read(buffer)) > 0)
        {
            if ((total += read) > BoundedText.MaxCorpusChars)
                throw new UserErrorException($"{file.Path} unfolds to more than {BoundedText.MaxCorpusChars >> 20} MB, which is the most one file may hold: split it and leave a part out.");
            var rest = buffer.AsSpan(0, read);
            while (rest.IndexOf((byte)'\n') is >= 0 and var end)
            {
                Append(rest[..end]);
                Emit();
                rest = rest[(end + 1)..];
            }
            Append(rest);
        }
        if (line.Length > 0) Emit();
        return true;

        void Append(ReadOnlySpan<byte> part)
        {
            if (line.Length + part.Length > BoundedText.MaxLineBytes)
                throw new UserErrorException($"{file.Path}: line {number + 1} is longer than {BoundedText.MaxLineBytes >> 20} MB, the most a line may have. Split the document it holds.");
            line.Write(part);
        }

        void Emit()
        {
            body(++number, line.ToArray());
            line.SetLength(0);
        }
    });
}
