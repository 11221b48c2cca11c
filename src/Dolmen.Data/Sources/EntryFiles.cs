using Dolmen.Artifacts;
using Dolmen.Artifacts.Compression;
using Dolmen.Data.Inputs;
using Dolmen.Data.Readers;

namespace Dolmen.Data.Sources;

/// <summary>Documentation of programs: a document for each type that a file of XML documentation or of sources describes.</summary>
internal static class EntryFiles
{
    public static IEnumerable<SourceRecord> Read(
        InputFile file,
        StoredMembers content,
        ReadLimits limits,
        Funnel funnel,
        CancellationToken stop
    )
    {
        var row = 0;
        var entries = InputFiles.TypeOf(file.Path) == ".cs" ? CSharpReader.Read(file, funnel, stop) : XmlDocReader.Read(file, funnel, stop);
        foreach (var document in Documents.Assemble(entries, _ => file.Dump))
        {
            row++;
            yield return new SourceRecord($"{file.Name}#{document.Id}", file.Name, row)
            {
                Dump = file.Dump, Text = document.Text, Language = document.Language == "und" ? "" : document.Language,
            };
        }
    }
}
