using Dolmen.Artifacts;
using Dolmen.Web.Encodings;

namespace Dolmen.Web.Extraction;

/// <summary>The main text of one page from a file or a stream, in whatever encoding it declares or shows.</summary>
public static class PageFile
{
    private const int MaxBytes = 32 << 20;

    /// <param name="path">Read unless <paramref name="open"/> is given; named in messages.</param>
    public static ExtractedPage Extract(string path, string url = "", Stream? open = null)
    {
        var file = new InputFile(path, path, "");
        var bytes = BoundedText.Guard(file, () =>
        {
            using var opened = open is null ? BoundedText.OpenFile(file) : null;
            return Read(open ?? opened!, path);
        });
        return MainText.Extract(PageText.Decode(bytes, null), url)
            ?? throw new UserErrorException(
                $"{path} holds no text: a page must have some besides scripts and hidden elements. Check that it is HTML."
            );
    }

    private static byte[] Read(Stream stream, string path)
    {
        using var bytes = new MemoryStream();
        var buffer = new byte[1 << 16];
        for (int read; (read = stream.Read(buffer)) > 0;)
        {
            if (bytes.Length + read > MaxBytes)
                throw new UserErrorException($"{path} has more than {MaxBytes >> 20} MB, the most a page may have. Split it.");
            bytes.Write(buffer, 0, read);
        }
        return bytes.ToArray();
    }
}
