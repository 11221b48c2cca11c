using System.IO.Compression;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>A file's bytes, decompressed where its name ends in .gz, or in .deflate (the same without a header).</summary>
internal static class WholeFile
{
    public static byte[] Read(string path, int limit)
    {
        using var file = RegularFile.OpenRead(path);
        return Read(file, path, limit);
    }

    /// <exception cref="UserErrorException">More bytes than <paramref name="limit"/>, or damaged.</exception>
    public static byte[] Read(Stream stream, string name, int limit)
    {
        using Stream plain = Path.GetExtension(name) switch
        {
            ".gz" => new GZipStream(stream, CompressionMode.Decompress, leaveOpen: true),
            ".deflate" => new DeflateStream(stream, CompressionMode.Decompress, leaveOpen: true),
            _ => stream,
        };
        using var whole = new MemoryStream();
        var buffer = new byte[1 << 16];
        try
        {
            for (int count; (count = plain.Read(buffer)) > 0 && whole.Length <= limit;) whole.Write(buffer, 0, count);
        }
        catch (InvalidDataException error)
        {
            throw new UserErrorException($"{name} is damaged: {error.Message} Copy the file again from where it came.", error);
        }
        return whole.Length <= limit
            ? whole.ToArray()
            : throw new UserErrorException(
                $"{name} has more than {limit} bytes: that is not a vocabulary. Copy the file again from where it came."
            );
    }
}
