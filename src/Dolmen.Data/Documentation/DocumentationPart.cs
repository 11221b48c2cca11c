using Dolmen.Artifacts;
using Dolmen.Data.Alignment;
using Dolmen.Data.Inputs;
using Dolmen.Data.Readers;
using Dolmen.Data.Sources;

namespace Dolmen.Data.Documentation;

/// <summary>What the documentation among the inputs gives a corpus.</summary>
/// <param name="Training">Entries that the documents are made of.</param>
/// <param name="HeldOut">Entries that are in no document.</param>
/// <param name="Documents">To train on, as they are.</param>
internal sealed record DocumentationPart(
    IReadOnlyList<InputFile> Files,
    IReadOnlyList<Entry> Training,
    IReadOnlyList<Entry> HeldOut,
    IReadOnlyList<SourceRecord> Documents
)
{
    private const string Stage = "corpus";

    /// <exception cref="UserErrorException">A file cannot be read, or all of them hold more than memory should.</exception>
    public static DocumentationPart Read(
        CorpusRecipe recipe,
        IReadOnlyList<InputFile> files,
        Funnel funnel,
        IProgress<StageProgress> progress,
        CancellationToken stop
    )
    {
        var entries = EntrySet.Clean(ReadAll(files, recipe.TextField, funnel, progress, stop), funnel);
        var (training, heldOut) = EntrySet.Split(entries, recipe.HeldOutFraction);
        var dumps = files.ToDictionary(f => f.Name, f => f.Dump, StringComparer.Ordinal);
        var documents = Readers.Documents
            .Assemble(training, source => dumps[dumps.ContainsKey(source) ? source : source[..source.LastIndexOf(':')]])
            .Select(
                (d, row) =>
                    new SourceRecord(new DocumentHeader(d.Id, d.FilePath, row) { Dump = d.Dump })
                    {
                        Text = d.Text,
                        Language = d.Language,
                    }
            );
        return new DocumentationPart(files, training, heldOut, [.. documents]);
    }

    /// <summary>Shuffled, so that the opening of the file is a fair sample: a validation may look at no more.</summary>
    public IReadOnlyList<HeldOutText> HeldOutTexts(ulong seed) =>
        [
            .. SeededSample.Shuffled([.. HeldOut], $"{seed}|held out", entry => entry.Id)
                .Select(entry => new HeldOutText(entry.Id, Readers.Documents.Section(entry))),
        ];

    private static IEnumerable<Entry> ReadAll(
        IReadOnlyList<InputFile> files,
        string textField,
        Funnel funnel,
        IProgress<StageProgress> progress,
        CancellationToken stop
    )
    {
        long characters = 0;
        for (var i = 0; i < files.Count; i++)
        {
            stop.ThrowIfCancellationRequested();
            progress.Report(new StageProgress(Stage, i, files.Count, "files", files[i].Name));
            foreach (var entry in DocumentationReader.Read(files[i], funnel, textField, stop))
            {
                if ((characters += entry.Summary.Length + entry.Remarks.Length) > BoundedText.MaxCorpusChars)
                    throw new UserErrorException(
                        $"the documentation among the inputs holds more than {BoundedText.MaxCorpusChars >> 20} million characters, the "
                            + $"most that is read into memory: name fewer files."
                    );
                yield return entry;
            }
        }
    }
}
