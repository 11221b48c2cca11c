using Dolmen.Artifacts;
using Dolmen.Data.Sources;

namespace Dolmen.Data.Readers;

/// <summary>Rows with a text, each a document of its own. Chats have no text of that kind and are left to alignment.</summary>
internal static class JsonLinesReader
{
    private static readonly ReadLimits Limits = new(BoundedText.MaxLineBytes);

    public static IEnumerable<Entry> Read(InputFile file, Funnel funnel, string textField, CancellationToken stop) =>
        SourceReaders.Read(file, Limits with { TextField = textField }, funnel, stop).SelectMany(row =>
            Passages.Cut(row.Text ?? "", $"{Path.GetFileName(file.Name)}:{row.Offset}", $"{file.Name}:{row.Offset}", funnel));
}
