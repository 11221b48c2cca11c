using Dolmen.Artifacts;
using Dolmen.Data.Inputs;
using Dolmen.Data.Readers;
using Dolmen.Data.Sources;

namespace Dolmen.Data;

/// <summary>The entries of documentation: of files that explain something piece by piece, and of a user's own texts.</summary>
internal static class DocumentationReader
{
    private static readonly ReadLimits RowLimits = new(BoundedText.MaxLineBytes);

    /// <summary>Whether the file's entries can be read; of other files, crawls above all, only documents are made.</summary>
    public static bool CanRead(InputFile file) =>
        InputFiles.TypeOf(file.Path) is ".xml" or ".md" or ".txt" or ".html" or ".htm" or ".jsonl" or ".jsonl.gz" or ".cs";

    public static IEnumerable<Entry> Read(
        InputFile file,
        Funnel funnel,
        string textField = RowFields.Text,
        CancellationToken stop = default
    ) =>
        InputFiles.TypeOf(file.Path) switch
        {
            ".xml" => XmlDocReader.Read(file, funnel, stop),
            ".md" or ".txt" => MarkdownReader.Read(file, funnel),
            ".html" or ".htm" => HtmlReader.Read(file, funnel, stop),
            ".jsonl" or ".jsonl.gz" => Rows(file, funnel, textField, stop),
            ".cs" => CSharpReader.Read(file, funnel, stop),
            _ => throw new UserErrorException($"{file.Path} cannot be read: .txt, .md, .html, .xml, .jsonl and .cs can. Leave it out."),
        };

    /// <summary>Rows with a text, each a document of its own. Chats have no text of that kind and are left to alignment.</summary>
    private static IEnumerable<Entry> Rows(InputFile file, Funnel funnel, string textField, CancellationToken stop) =>
        SourceReaders
            .Read(file, RowLimits with { TextField = textField }, funnel, stop)
            .SelectMany(row =>
                Passages.Cut(row.Text ?? "", $"{Path.GetFileName(file.Name)}:{row.Offset}", $"{file.Name}:{row.Offset}", funnel)
            );
}
