using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Data.Alignment;
using Dolmen.Data.Inputs;
using Dolmen.Tokenization;

namespace Dolmen.Data;

/// <summary>Files to a corpus directory: training documents, held-out entries, the data of alignment and evaluation, and a report.</summary>
public static class CorpusBuild
{
    private const string Stage = "corpus";
    private const int FewShotExamples = 64;
    private const int Samples = 5;
    private const int SampleChars = 1200;

    /// <summary>Nothing is written before everything was read and made; <c>report.json</c> is written last.</summary>
    /// <param name="inputs">Folders and files; none means the XML documentation of the running SDK.</param>
    /// <exception cref="UserErrorException">An input is missing, empty, unreadable, corrupt or too big.</exception>
    public static CorpusResult Run(
        CorpusRecipe recipe, IReadOnlyList<string> inputs, string outDirectory, ulong seed, IProgress<StageProgress> progress, CancellationToken stop)
    {
        recipe.ThrowIfInvalid();
        var funnel = new Funnel();
        var files = inputs.Count == 0 ? ReferencePacks.Find() : InputFiles.Find(inputs, funnel);
        var entries = EntrySet.Clean(ReadAll(files, funnel, progress, stop), funnel);
        if (entries.Count == 0)
            throw new UserErrorException($"the input holds no text that can be used ({files.Count} files read): name other files with --input.");

        var (training, heldOut) = EntrySet.Split(entries, recipe.HeldOutFraction);
        var dumps = files.ToDictionary(f => f.Name, f => f.Dump, StringComparer.Ordinal);
        var documents = Documents.Assemble(training, source => dumps[dumps.ContainsKey(source) ? source : source[..source.LastIndexOf(':')]]).ToList();
        if (documents.Count == 0)
            throw new UserErrorException("the input is a single piece of text, and nothing is left to train on once it is held out: add more documents with --input.");

        progress.Report(new StageProgress(Stage, files.Count, files.Count, "files", "questions and preferences"));
        var askable = training.Count(e => e.Kind is not (EntryKind.Document or EntryKind.Passage));
        var aligns = askable >= recipe.MinAlignmentEntries;
        var alignment = aligns ? new AlignmentRules(recipe, training, entries, seed).Build(stop) : AlignmentSet.Empty;
        var choices = aligns
            ? MultipleChoice.Build(heldOut, recipe, seed, summaries => TextSearch.Occurring(summaries, documents.Select(d => d.Text)))
            : [];
        var examples = aligns
            ? Draw.Take(training.Where(e => MultipleChoice.IsEligible(e, recipe)), FewShotExamples, $"{seed}|few-shot", e => e.Id)
                .Select(e => new FewShotExample(Documents.Query(e), e.Summary)).ToList()
            : [];
        // Shuffled, so that the opening of the file is a fair sample: a validation may look at no more.
        var held = Draw.Shuffled(heldOut, $"{seed}|held out", e => e.Id).Select(e => new HeldOutText(e.Id, Documents.Section(e))).ToList();

        var report = new CorpusReport(
            files.Count, documents.Count, documents.Sum(d => (long)d.Text.Length), training.Count(e => e.IsHead), training.Count(e => !e.IsHead),
            heldOut.Count, held.Sum(h => (long)h.Text.Length), funnel.Dropped, funnel.Noted,
            alignment.Conversations.Count, alignment.Preferences.Count, choices.Count, choices.Count(c => c.Seen), examples.Count, alignment.Invented.Count, alignment.Known.Count,
            Lengths(documents),
            [.. Draw.Take(documents, Samples, $"{seed}|samples", d => d.Id).Select(d => new DocumentSample(d.Id, d.Text.Length > SampleChars ? d.Text[..SampleChars] + "…" : d.Text))],
            Rules(recipe),
            aligns ? [] : [$"{askable} entries can be asked about and alignment needs {recipe.MinAlignmentEntries}: there are no conversations, preferences or multiple-choice items."]);

        stop.ThrowIfCancellationRequested();
        Directory.CreateDirectory(outDirectory);
        string At(string name) => Path.Combine(outDirectory, name);
        AtomicFile.Write(At(CorpusParquet.FileName), s => CorpusParquet.Write(s, documents, stop));
        AtomicFile.WriteJsonLines(At(CorpusText.HeldOutFile), held, CorpusJson.Default.HeldOutText);
        AtomicFile.WriteJsonLines(At("conversations.jsonl"), alignment.Conversations, CorpusJson.Default.Conversation);
        AtomicFile.WriteJsonLines(At("preferences.jsonl"), alignment.Preferences, CorpusJson.Default.PreferencePair);
        AtomicFile.WriteJsonLines(At("multiple-choice.jsonl"), choices, CorpusJson.Default.MultipleChoiceItem);
        AtomicFile.WriteJsonLines(At("few-shot.jsonl"), examples, CorpusJson.Default.FewShotExample);
        AtomicFile.WriteJsonLines(At("invented.jsonl"), alignment.Invented, CorpusJson.Default.InventedQuestion);
        AtomicFile.WriteJsonLines(At("known.jsonl"), alignment.Known, CorpusJson.Default.KnownQuestion);
        AtomicFile.WriteText(At("report.md"), report.ToMarkdown());
        AtomicFile.WriteJson(At(ReportFile), report, CorpusReportJson.Default.CorpusReport);
        return new CorpusResult(outDirectory, report);
    }

    /// <exception cref="UserErrorException">The directory is no finished corpus.</exception>
    public static CorpusReport ReadReport(string corpusDirectory)
    {
        var path = Path.Combine(corpusDirectory, ReportFile);
        if (!File.Exists(path)) throw new UserErrorException($"{corpusDirectory} is no finished corpus: it has no {ReportFile}. Make one with 'dolmen corpus build --out DIR'.");
        try
        {
            using var stream = File.OpenRead(path);
            return JsonSerializer.Deserialize(stream, CorpusReportJson.Default.CorpusReport) ?? throw new JsonException("It is null.");
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{path} is no corpus report: {error.Message} Build the corpus again.", error);
        }
    }

    private const string ReportFile = "report.json";

    private static IEnumerable<Entry> ReadAll(IReadOnlyList<InputFile> files, Funnel funnel, IProgress<StageProgress> progress, CancellationToken stop)
    {
        long characters = 0;
        for (var i = 0; i < files.Count; i++)
        {
            stop.ThrowIfCancellationRequested();
            progress.Report(new StageProgress(Stage, i, files.Count, "files", files[i].Name));
            foreach (var entry in Readers.FileReader.Read(files[i], funnel))
            {
                if ((characters += entry.Summary.Length + entry.Remarks.Length) > BoundedText.MaxCorpusChars)
                    throw new UserErrorException($"the input holds more than {BoundedText.MaxCorpusChars >> 20} million characters, the most a corpus is built of in memory: name fewer files.");
                yield return entry;
            }
        }
    }

    private static List<LengthBucket> Lengths(List<Document> documents)
    {
        var buckets = documents.GroupBy(d => (long)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(64, d.Text.Length)));
        return [.. buckets.OrderBy(b => b.Key).Select(b => new LengthBucket(b.Key, b.Count()))];
    }

    private static List<string> Rules(CorpusRecipe recipe) =>
    [
        $"An entry that is not a type or a title is held out when the stable hash of its id, as a fraction, is below {recipe.HeldOutFraction}.",
        "Of entries with the same id, signature or text one is kept, the first with a summary in ordinal order of files.",
        MultipleChoice.Rule(recipe),
        $"Questions: {string.Join(", ", QuestionPool.Mix.Select(m => $"{m.Kind.ToString().ToLowerInvariant()} {m.Share:P0}"))}; {recipe.InventedFraction:P1} of the conversations ask about invented names.",
        $"Rejected answers: {string.Join(", ", AlignmentRules.PreferenceMix.Select(m => $"{m.Rejected} {m.Share:P0}"))}.",
        "An invented name joins words of real names in the shape of a real entry; it is never a real one, and those of the evaluation are in no training file.",
    ];
}
