using Dolmen.Artifacts;
using Dolmen.Data.Inputs;

namespace Dolmen.Data.Readers;

/// <summary>The reader of each file type; the type decides.</summary>
internal static class FileReader
{
    /// <summary>Whether the file's entries can be read; of other files, crawls above all, only documents are made.</summary>
    public static bool CanRead(InputFile file) =>
        InputFiles.TypeOf(file.Path) is ".xml" or ".md" or ".txt" or ".html" or ".htm" or ".jsonl" or ".jsonl.gz" or ".cs";

    public static IEnumerable<Entry> Read(
        InputFile file,
        Funnel funnel,
        string textField = Sources.RowFields.Text,
        CancellationToken stop = default
    ) =>
        InputFiles.TypeOf(file.Path) switch
        {
            ".xml" => XmlDocReader.Read(file, funnel, stop),
            ".md" or ".txt" => MarkdownReader.Read(file, funnel),
            ".html" or ".htm" => HtmlReader.Read(file, funnel, stop),
            ".jsonl" or ".jsonl.gz" => JsonLinesReader.Read(file, funnel, textField, stop),
            ".cs" => CSharpReader.Read(file, funnel, stop),
            _ => throw new UserErrorException($"{file.Path} cannot be read: .txt, .md, .html, .xml, .jsonl and .cs can. Leave it out."),
        };
}
