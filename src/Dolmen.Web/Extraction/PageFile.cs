using Dolmen.Artifacts;
using Dolmen.Web.Encodings;

namespace Dolmen.Web.Extraction;

/// <summary>The main text of one page from a file or a stream, in whatever encoding it declares or shows.</summary>
public static class PageFile
{
    private const int MaxBytes = 32 << 20;

    /// <param name="path">Read unless <paramref name="open"/> is given; named in messages.</param>
    /// <param name="note">Called with a sentence on text of the page that was not read, and where the page names an encoding
    /// that is not known (it is then read as its bytes show).</param>
    /// <exception cref="UserErrorException">The page cannot be read, or what was read of it holds no text.</exception>
    public static ExtractedPage Extract(string path, string url = "", Stream? open = null, Action<string>? note = null)
    {
        var file = new InputFile(path, path, "");
        var bytes = BoundedText.Guard(file, () =>
        {
            using var opened = open is null ? BoundedText.OpenFile(file) : null;
            return Read(open ?? opened!, path);
        });
        if (PageText.NamesUnknown(bytes, null))
            note?.Invoke($"{path} names an encoding that is not known ({PageText.UnknownCharset}): it was read as what its bytes show.");
        var funnel = new Funnel();
        var page = MainText.Extract(PageText.Decode(bytes, null), url, funnel);
        var cut = funnel.Noted.ContainsKey(HtmlTreeBuilder.Cut);
        if (page is not null)
        {
            if (cut) note?.Invoke($"{path} has more than {HtmlTree.MaxNodes:N0} elements and texts: what stands behind them was not read.");
            return page;
        }
        throw new UserErrorException(cut
            ? $"{path} holds no text in its first {HtmlTree.MaxNodes:N0} elements and texts, the most that are read of a page. Split it."
            : $"{path} holds no text: a page must have some besides scripts and hidden elements. Check that it is HTML.");
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
