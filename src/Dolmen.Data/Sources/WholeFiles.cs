using Dolmen.Artifacts;
using Dolmen.Artifacts.Compression;
using Dolmen.Data.Inputs;
using Dolmen.Web.Encodings;

namespace Dolmen.Data.Sources;

/// <summary>Files that are one document: plain text, Markdown, and web pages as someone saved them.</summary>
internal static class WholeFiles
{
    public static IEnumerable<SourceRecord> Read(
        InputFile file,
        StoredMembers content,
        ReadLimits limits,
        Funnel funnel,
        CancellationToken stop
    )
    {
        using var stream = new MemberStream(content);
        using var whole = new MemoryStream();
        var piece = new byte[1 << 16];
        while (stream.Read(piece) is > 0 and var read)
        {
            stop.ThrowIfCancellationRequested();
            whole.Write(piece, 0, read);
            if (whole.Length <= limits.MaxRecordBytes) continue;
            funnel.Break(file.Name, 0, "record-too-big");
            yield break;
        }
        var record = new SourceRecord(file.Name, file.Name, 0) { Dump = file.Dump };
        if (whole.Length == 0) funnel.Drop("empty-body");
        else if (InputFiles.ContentTypeOf(file.Path) is ".html" or ".htm" or ".xhtml") yield return Page(record, whole.ToArray(), funnel);
        else yield return record with { Text = PageText.DecodeCounted(whole.ToArray(), charset: null, funnel) };
    }

    private static SourceRecord Page(SourceRecord record, byte[] html, Funnel funnel)
    {
        if (PageText.NamesUnknown(html, charset: null)) funnel.Note(PageText.UnknownCharset);
        return record with { Html = html };
    }
}
