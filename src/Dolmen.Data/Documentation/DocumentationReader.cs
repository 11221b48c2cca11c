using Dolmen.Artifacts;
using Dolmen.Data.Inputs;
using Dolmen.Data.Readers;
using Dolmen.Data.Sources;

namespace Dolmen.Data.Documentation;

/// <summary>The entries of documentation: of files that explain something piece by piece, and of a user's own texts.</summary>
internal static class DocumentationReader
{
    private static readonly ReadLimits RowLimits = new(BoundedText.MaxLineBytes);

    /// <summary>By the name's ending, compressed or not; but crawls go by many names (sample.wet.txt), and then the beginning of the file
    /// decides.</summary>
    public static InputKind KindOf(InputFile file) =>
        InputFiles.ContentTypeOf(file.Path) switch
        {
            ".xml" or ".cs" => InputKind.Documentation,
            ".md" or ".txt" or ".html" or ".htm" or ".xhtml" or ".jsonl" or ".ndjson" when !CrawlFiles.IsCrawl(file) =>
                InputKind.Documentation,
            _ => InputKind.Crawl,
        };

    public static IEnumerable<Entry> Read(
        InputFile file,
        Funnel funnel,
        string textField = RowFields.Text,
        CancellationToken stop = default
    ) =>
        InputFiles.ContentTypeOf(file.Path) switch
        {
            ".xml" => XmlDocReader.Read(file, funnel, stop),
            ".md" or ".txt" => MarkdownReader.Read(file, funnel),
            ".html" or ".htm" or ".xhtml" => HtmlReader.Read(file, funnel, stop),
            ".jsonl" or ".ndjson" => Rows(file, funnel, textField, stop),
            ".cs" => CSharpReader.Read(file, funnel, stop),
            _ => throw new UserErrorException($"{file.Path} cannot be read: .txt, .md, .html, .xml, .jsonl and .cs can. Leave it out."),
        };

    /// <summary>Rows with a text, each a document of its own. Chats have no text of that kind and are left to alignment.</summary>
    private static IEnumerable<Entry> Rows(InputFile file, Funnel funnel, string textField, CancellationToken stop) =>
        SourceReaders
            .Read(file, RowLimits with { TextField = textField }, funnel, stop)
            .SelectMany(row =>
            {
                var place = row.Header.Offset;
                return Passages.Cut(row.Text ?? "", $"{Path.GetFileName(file.Name)}:{place}", $"{file.Name}:{place}", funnel);
            });
}
