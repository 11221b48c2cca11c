using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Data.Alignment;
using Dolmen.Data.Cleaning;
using Dolmen.Data.Documentation;
using Dolmen.Data.Inputs;
using Dolmen.Data.Readers;
using Dolmen.Data.Reports;
using Dolmen.Data.Sources;
using Dolmen.Retrieval;
using Dolmen.Tokenization;

namespace Dolmen.Data.Building;

/// <summary>Files to a corpus directory: training documents, held-out entries, the data of alignment and evaluation, and a
/// report.</summary>
public static class CorpusBuild
{
    private const string Stage = "corpus";
    private const int FewShotExamples = 64;
    private const int Samples = 5;
    private const int SampleChars = 1200;

    /// <summary>Reads documentation and a user's own texts as entries, some of which are held out; of crawls and of everything else whole
    /// documents are held out. <c>report.json</c> is written last.</summary>
    /// <param name="inputs">Folders and files; none means the XML documentation of the running SDK.</param>
    /// <param name="cleaning">Null decides by the inputs: FineWeb's rules for crawls; of other texts nothing but copies is dropped.</param>
    /// <returns>Null when shards of other ranks are still to be measured.</returns>
    /// <exception cref="UserErrorException">An input is missing, empty, unreadable, corrupt or too big.</exception>
    internal static CorpusResult? Run(
        CorpusRecipe recipe, IReadOnlyList<string> inputs, string outDirectory, ulong seed, CleaningRecipe? cleaning, CleaningRun run,
        IProgress<StageProgress> progress, CancellationToken stop, bool followLinks = false)
    {
        recipe.ThrowIfInvalid();
        var funnel = new Funnel();
        var files = inputs.Count == 0 ? ReferencePacks.Find() : InputFiles.Find(inputs, funnel, followLinks);
        var build = new CorpusWork(outDirectory, seed, run, TokenCounter.Open(recipe.Tokenizer), progress, stop);
        List<InputFile> documentation = cleaning is null
            ? [.. files.Where(file => DocumentationReader.KindOf(file) == InputKind.Documentation)]
            : [];
        if (documentation.Count == files.Count) return FromEntries(recipe, files, funnel, build);
        cleaning ??= CleaningRecipes.Load(CleaningRecipes.Crawl, []);
        if (recipe.TextField != RowFields.Text)
            cleaning = cleaning with { Read = cleaning.Read with { TextField = recipe.TextField } };
        var part = documentation.Count > 0 ? DocumentationPart.Read(recipe, documentation, funnel, progress, stop) : null;
        if (CleanCorpus.Build(cleaning, files, part, funnel, recipe, build) is not { } report)
            return null;
        if (report.Kept == 0)
        {
            var wayOut =
                report.Read > 0
                    ? $"See 'dolmen corpus inspect {outDirectory}', loosen a threshold with --set, or name other inputs."
                    : "Mend the input or name another.";
            throw new UserErrorException($"{report.WhyEmpty()} {wayOut}");
        }
        var result = FromDocuments(recipe, files, part, report, build);
        CorpusReportPage.Write(outDirectory, stop);
        return result;
    }

    /// <param name="cleaning">A recipe's name or file; null decides by the inputs.</param>
    /// <param name="set">Changes to that recipe, <c>filters.gopherQuality.minWords=30</c>; with no recipe named, to
    /// <c>crawl-to-corpus</c>.</param>
    public static CorpusResult? Run(
        CorpusRecipe recipe,
        IReadOnlyList<string> inputs,
        string outDirectory,
        ulong seed,
        string? cleaning,
        IReadOnlyList<string> set,
        CleaningRun run,
        IProgress<StageProgress> progress,
        CancellationToken stop,
        bool followLinks = false
    ) =>
        Run(
            recipe,
            inputs,
            outDirectory,
            seed,
            cleaning is null && set.Count == 0 ? null : CleaningRecipes.Load(cleaning ?? CleaningRecipes.Crawl, set),
            run,
            progress,
            stop,
            followLinks
        );

    public static CorpusResult Run(
        CorpusRecipe recipe, IReadOnlyList<string> inputs, string outDirectory, ulong seed, IProgress<StageProgress> progress,
        CancellationToken stop) =>
        Run(recipe, inputs, outDirectory, seed, null, CleaningRun.Default, progress, stop)
        ?? throw new InvalidOperationException("A single rank leaves no shard to others.");

    /// <summary>All inputs are documentation.</summary>
    private static CorpusResult FromEntries(CorpusRecipe recipe, IReadOnlyList<InputFile> files, Funnel funnel, CorpusWork build)
    {
        var part = DocumentationPart.Read(recipe, files, funnel, build.Progress, build.Stop);
        if (part.Training.Count + part.HeldOut.Count == 0)
        {
            throw new UserErrorException(
                $"the input holds no text that can be used ({files.Count} {(files.Count == 1 ? "file" : "files")} "
                    + $"read){EmptyCorpus.Reasons(funnel)}. Mend the input or name other files with --input.");
        }
        if (part.Documents.Count == 0)
            throw new UserErrorException(
                "the input is a single piece of text, and nothing is left to train on once it is held out: add more documents with --input."
            );
        var cleaned = CleanCorpus.Build(CleaningRecipe.Gentle, part.Documents, files.Count, funnel, build);
        build.Progress.Report(new StageProgress(Stage, files.Count, files.Count, "files", "questions and preferences"));
        CorpusPassages.Write(build.Directory, [.. part.Training, .. part.HeldOut], [], build.Stop);
        var held = part.HeldOutTexts(build.Seed);
        AtomicFile.WriteJsonLines(Path.Combine(build.Directory, CorpusFolder.HeldOut), held, CorpusRowJson.Default.HeldOutText);
        var texts = new Texts(
            files.Count,
            part.Documents.Count,
            [.. part.Documents.Select(d => d.Text ?? "")],
            held.Sum(h => (long)h.Text.Length),
            held.Count
        );
        return Finish(recipe, texts, part.Training, part.HeldOut, cleaned, [KindCount.Of(part, cleaned.Kept)], build, _ => true);
    }

    /// <summary>Questions about a crawl are asked about the sections of its pages, of as many as memory should hold; those about
    /// documentation, about its entries.</summary>
    private static CorpusResult FromDocuments(
        CorpusRecipe recipe, IReadOnlyList<InputFile> files, DocumentationPart? documentation, CleaningReport cleaned, CorpusWork build)
    {
        IReadOnlyList<Entry> own = documentation is null ? [] : [.. documentation.Training, .. documentation.HeldOut];
        var read = new CrawledDocuments(build.Directory, documentation, recipe.MaxMultipleChoice, build.Stop);
        CorpusPassages.Write(build.Directory, own, read.Read(), build.Stop);
        if (read.Count == 0)
            throw new UserErrorException(
                "the input is a single document, and nothing is left to train on once it is held out: name more with --input."
            );
        if (read.NotIndexed > 0)
            cleaned = cleaned with { Noted = new Dictionary<string, long>(cleaned.Noted) { ["documents-not-indexed"] = read.NotIndexed } };
        var ignored = new Funnel();
        var ownIds = own.Select(entry => entry.Id).ToHashSet(StringComparer.Ordinal);
        return Finish(
            recipe,
            new Texts(files.Count, read.Count, read.Texts, read.HeldOutChars, read.HeldOutCount, read.Chars),
            EntrySet.Clean((documentation?.Training ?? []).Concat(read.Training), ignored),
            EntrySet.Clean((documentation?.HeldOut ?? []).Concat(read.HeldOut), ignored),
            cleaned,
            [
                .. documentation is null ? [] : (KindCount[])[KindCount.Of(documentation, read.Explained)],
                KindCount.OfCrawls(cleaned, files.Count, documentation, read.Explained, read.HeldOutCount),
            ],
            build,
            IsAsked
        );

        // A sentence of a crawled page is not what anybody wants completed; of a text that someone chose it is what can be asked.
        bool IsAsked(Entry entry) => entry.Kind != EntryKind.Passage || ownIds.Contains(entry.Id);
    }

    /// <param name="Sample">All documents, or those that questions are asked about.</param>
    private sealed record Texts(
        int Files,
        int Documents,
        IReadOnlyList<string> Sample,
        long HeldOutChars,
        int HeldOut,
        long? Chars = null
    );

    /// <summary>The data of alignment and evaluation, and the report.</summary>
    /// <param name="isAsked">Which of the entries questions may be made of.</param>
    private static CorpusResult Finish(
        CorpusRecipe recipe,
        Texts texts,
        IReadOnlyList<Entry> training,
        IReadOnlyList<Entry> heldOut,
        CleaningReport cleaned,
        IReadOnlyList<KindCount> kinds,
        CorpusWork build,
        Func<Entry, bool> isAsked
    )
    {
        var (outDirectory, seed, stop) = (build.Directory, build.Seed, build.Stop);
        List<Entry> asked = [.. training.Where(isAsked)];
        var askable = asked.Count(e => e.Kind != EntryKind.Document);
        var aligns = askable >= recipe.MinAlignmentEntries;
        var alignment = aligns ? new AlignmentRules(recipe, asked, [.. heldOut.Where(isAsked)], seed).Build(stop) : AlignmentSet.Empty;
        var choices = aligns ? MultipleChoice.Build(heldOut, recipe, seed, summaries => TextSearch.Occurring(summaries, texts.Sample)) : [];
        var examples = aligns
            ? SeededSample.Take(training.Where(e => MultipleChoice.IsEligible(e, recipe)), FewShotExamples, $"{seed}|few-shot", e => e.Id)
                .Select(e => new FewShotExample(Documents.Query(e), e.Summary)).ToList()
            : [];
        var numbered = texts.Sample.Select((text, i) => (Id: $"{i}", Text: text)).ToList();
        var report = new CorpusReport(
            texts.Files,
            texts.Documents,
            texts.Chars ?? texts.Sample.Sum(t => (long)t.Length),
            training.Count(e => e.IsHead),
            training.Count(e => !e.IsHead),
            texts.HeldOut,
            texts.HeldOutChars,
            cleaned.Unread,
            cleaned.Noted,
            alignment.Conversations.Count,
            alignment.Preferences.Count,
            choices.Count,
            choices.Count(c => c.Seen),
            examples.Count,
            alignment.Invented.Count,
            alignment.Known.Count,
            CorpusRules.Lengths(texts.Sample),
            [
                .. SeededSample.Take(numbered, Samples, $"{seed}|samples", d => d.Text)
                    .Select(d => new DocumentSample(d.Id, d.Text.Length > SampleChars ? TextStart.Of(d.Text, SampleChars) + "…" : d.Text)),
            ],
            CorpusRules.Of(recipe),
            aligns
                ? []
                :
                [
                    $"{askable} entries can be asked about and alignment needs {recipe.MinAlignmentEntries}: there are no conversations, "
                        + $"preferences or multiple-choice items.",
                ],
            cleaned,
            kinds,
            recipe.Tokenizer,
            alignment.OpenBook.Count
        );

        stop.ThrowIfCancellationRequested();
        string At(string name) => Path.Combine(outDirectory, name);
        AtomicFile.WriteJsonLines(At(CorpusFolder.Conversations), alignment.Conversations, CorpusJson.Default.Conversation);
        AtomicFile.WriteJsonLines(At(CorpusFolder.Preferences), alignment.Preferences, CorpusJson.Default.PreferencePair);
        AtomicFile.WriteJsonLines(At(CorpusFolder.MultipleChoice), choices, CorpusRowJson.Default.MultipleChoiceItem);
        AtomicFile.WriteJsonLines(At(CorpusFolder.FewShot), examples, CorpusRowJson.Default.FewShotExample);
        AtomicFile.WriteJsonLines(At(CorpusFolder.Invented), alignment.Invented, CorpusRowJson.Default.InventedQuestion);
        AtomicFile.WriteJsonLines(At(CorpusFolder.Known), alignment.Known, CorpusRowJson.Default.KnownQuestion);
        AtomicFile.WriteJsonLines(At(CorpusFolder.OpenBook), alignment.OpenBook, OpenBookJson.Default.OpenBookItem);
        AtomicFile.WriteText(At(CorpusFolder.ReadableReport), report.ToMarkdown());
        AtomicFile.WriteJson(At(CorpusFolder.Report), report, CorpusReportJson.Default.CorpusReport);
        return new CorpusResult(outDirectory, report);
    }

    /// <exception cref="UserErrorException">The directory is not a finished corpus.</exception>
    public static CorpusReport ReadReport(string corpusDirectory)
    {
        var path = Path.Combine(corpusDirectory, CorpusFolder.Report);
        if (!File.Exists(path))
            throw new UserErrorException(
                $"{corpusDirectory} is not a finished corpus: it has no {CorpusFolder.Report}. Make one with 'dolmen corpus build --out "
                    + $"DIR'."
            );
        try
        {
            using var stream = RegularFile.OpenRead(path);
            return JsonSerializer.Deserialize(stream, CorpusReportJson.Default.CorpusReport) ?? throw new JsonException("It is null.");
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{path} is not a corpus report: {error.Message} Build the corpus again.", error);
        }
    }
}
