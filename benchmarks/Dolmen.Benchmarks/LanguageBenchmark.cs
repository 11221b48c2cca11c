using System.Diagnostics;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Data.Languages;

namespace Dolmen.Benchmarks;

/// <summary>Languages of sentences: F1 of each, their mean, and sentences a second, of what is built in and of a fastText model beside
/// it.</summary>
internal sealed class LanguageBenchmark : Benchmark
{
    /// <summary>A shorter sentence is often a name and a verb.</summary>
    private const int FewestChars = 50;

    public override string Name => "languages";

    public override string Description =>
        "macro-F1 of language identification on --data DIR, sentences of 50 characters and more, beside a fastText --model";

    public override IEnumerable<BenchmarkRow> Run(IProgress<StageProgress> progress, CancellationToken stop) =>
        throw new UserErrorException(
            "bench languages needs texts whose languages are known: name a folder with --data DIR, of files such as de.txt or deu_Latn.dev "
                + "with a sentence on each line."
        );

    public override IEnumerable<BenchmarkRow> Run(BenchmarkInputs inputs, IProgress<StageProgress> progress, CancellationToken stop)
    {
        if (inputs.Paths.Count == 0) Run(progress, stop);
        var ours = LanguageIdentifiers.Load();
        var model = inputs.Model is { } path ? new FastTextIdentifier(FastTextModel.Load(path)) : null;
        var rival = inputs.Model is { } named ? Path.GetFileName(named) : "none";
        var sets = inputs.Paths.SelectMany(LabelledSentences.Find).ToList();
        if (sets.Count == 0)
            throw new UserErrorException(
                $"{string.Join(", ", inputs.Paths)} has no files named by languages, such as de.txt, deu_Latn.dev, or .tsv with a code and "
                    + $"a text: unpack archives first."
            );
        foreach (var set in sets)
        {
            progress.Report(new StageProgress("bench languages", 0, 0, "sentences", set.Name));
            var sentences = set.Read(FewestChars, stop)
                .Where(s => LinguaIdentifier.Knows(s.Language, s.Script) && model?.Knows(s.Language) != false)
                .ToList();
            if (sentences.Count == 0)
                continue;
            var (own, seconds) = Identify(ours, sentences, stop);
            var (other, otherSeconds) = model is null ? (null, double.NaN) : Identify(model, sentences, stop);
            bool[] modelled = [.. sentences.Select(s => LinguaIdentifier.HasModel(s.Language, s.Script))];
            foreach (
                var (name, among) in new[]
                {
                    ("with n-grams or a script of their own", modelled),
                    ("known by a few words or letters too", null),
                }
            )
            {
                var (score, theirs) = (Score(sentences, own, among), other is null ? null : Score(sentences, other, among));
                yield return Row(
                    $"{set.Name}: macro-F1 of {score.Languages.Count()} languages {name}, {score.Texts} sentences",
                    score.MacroF1,
                    "F1",
                    theirs?.MacroF1
                );
            }
            yield return Row(
                $"{set.Name}: speed, one thread",
                sentences.Count / seconds,
                "sentences/s",
                other is null ? null : sentences.Count / otherSeconds
            );
            var each = other is null
                ? null
                : Score(sentences, other, null).Languages.ToDictionary(l => l.Language, l => l.F1, StringComparer.Ordinal);
            foreach (var language in Score(sentences, own, null).Languages)
                yield return Row(
                    $"{set.Name}: {language.Language}, {language.Texts} sentences",
                    language.F1,
                    "F1",
                    each?[language.Language]
                );
        }

        BenchmarkRow Row(string name, double value, string unit, double? other) =>
            new(
                other is { } known ? $"{name} ({rival} {known:0.###})" : name,
                value,
                unit,
                rival,
                other is > 0 ? value / other.Value : 1,
                1,
                0
            );
    }

    private static (string[] Guesses, double Seconds) Identify(
        ILanguageIdentifier identifier,
        List<LabelledSentence> sentences,
        CancellationToken stop
    )
    {
        // The first texts load the models.
        foreach (var few in sentences.GroupBy(s => s.Script)) identifier.Identify(few.First().Text);
        var guesses = new string[sentences.Count];
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < guesses.Length; i++) guesses[i] = identifier.Identify(sentences[i].Text).Language;
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        stop.ThrowIfCancellationRequested();
        return (guesses, seconds);
    }

    private static LanguageScore Score(List<LabelledSentence> sentences, string[] guesses, bool[]? among)
    {
        var score = new LanguageScore();
        for (var i = 0; i < guesses.Length; i++)
            if (among?[i] != false) score.Add(sentences[i].Language, guesses[i]);
        return score;
    }
}

/// <param name="Script">Of most of the file it is from: some languages are only known in one.</param>
internal readonly record struct LabelledSentence(string Language, Script Script, string Text);

/// <summary>A folder of files named by languages, a sentence on each line (Lingua's test data, FLORES, the NLTK's declarations of human
/// rights), or one file with a code and a text on each line (CLD3's tests).</summary>
internal sealed record LabelledSentences(string Name, IReadOnlyList<string> Files)
{
    private const long MostFileBytes = 64 << 20;

    private static readonly string[] Endings = [".txt", ".dev", ".devtest", ".tsv"];

    public static IEnumerable<LabelledSentences> Find(string path)
    {
        if (File.Exists(path))
            return [new(Path.GetFileName(path), [path])];
        if (!Directory.Exists(path))
            throw new UserErrorException($"--data {path} does not exist: name a folder of files named by languages.");
        var files = Directory
            .GetFiles(path, "*", SearchOption.AllDirectories)
            .Where(f => Endings.Contains(Path.GetExtension(f), StringComparer.OrdinalIgnoreCase))
            .Order(StringComparer.Ordinal);
        return files
            .Where(f => IsTable(f) || LanguageOf(f) is not null)
            .GroupBy(f => Path.GetRelativePath(path, IsTable(f) ? f : Path.GetDirectoryName(f)!))
            .Select(group => new LabelledSentences(group.Key == "." ? Path.GetFileName(Path.GetFullPath(path)) : group.Key, [.. group]));
    }

    public IEnumerable<LabelledSentence> Read(int fewestChars, CancellationToken stop)
    {
        foreach (var file in Files)
        {
            stop.ThrowIfCancellationRequested();
            if (new FileInfo(file).Length > MostFileBytes)
                throw new UserErrorException($"{file} has more than {MostFileBytes >> 20} MB: a benchmark holds it in memory. Shorten it.");
            var lines = File.ReadAllLines(file, Encoding.UTF8);
            var script = ScriptShares.Of(string.Join('\n', lines.Take(50))).Main;
            foreach (var line in lines)
            {
                var tab = IsTable(file) ? line.IndexOf('\t', StringComparison.Ordinal) : -1;
                if (IsTable(file) && tab < 0) continue;
                var text = line[(tab + 1)..].Trim();
                if (text.Length < fewestChars)
                    continue;
                yield return IsTable(file)
                    ? new(LanguageCodes.Of(line[..tab]), ScriptShares.Of(text).Main, text)
                    : new(LanguageOf(file)!, script, text);
            }
        }
    }

    private static bool IsTable(string file) => file.EndsWith(".tsv", StringComparison.OrdinalIgnoreCase);

    private static string? LanguageOf(string file)
    {
        var name = Path.GetFileNameWithoutExtension(file);
        var code = name.Split('_', '-', '.')[0];
        return code.Length is 2 or 3 && code.All(char.IsAsciiLetterLower) ? LanguageCodes.Of(name) : null;
    }
}
