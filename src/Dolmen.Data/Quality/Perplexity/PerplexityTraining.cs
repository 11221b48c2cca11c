using System.Runtime.InteropServices;
using Dolmen.Artifacts;

namespace Dolmen.Data.Quality.Perplexity;

/// <summary>How an n-gram model is trained.</summary>
/// <param name="MinWord">Rarer words are one unknown word.</param>
/// <param name="MinNgram">Rarer n-grams of three or more tokens are left out.</param>
/// <param name="MaxChars">Of a document only its beginning is learnt.</param>
/// <param name="MaxCorpusChars">Most text learnt from; of more, a sample that depends on the seed alone.</param>
public sealed record PerplexitySettings(
    PerplexityUnit Unit = PerplexityUnit.Word,
    int Order = 5,
    int MinWord = 2,
    int MinNgram = 2,
    int MaxChars = 100_000,
    double HeldOutFraction = 0.05,
    long MaxCorpusChars = 64L << 20
)
{
    /// <param name="sets"><c>name=value</c>, such as <c>order=4</c>.</param>
    /// <exception cref="UserErrorException">A setting is unknown, of the wrong type or out of its range.</exception>
    public static PerplexitySettings Of(IReadOnlyList<string> sets)
    {
        var settings = RecipeTree.Bind(sets, PerplexitySettingsJson.Default.PerplexitySettings);
        settings.ThrowIfInvalid();
        return settings;
    }

    /// <summary>All that is wrong at once; empty when nothing is.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        Between("order", Order, NgramModel.MinOrder, NgramModel.MaxOrder);
        Between("minWord", MinWord, 1, 1_000_000);
        Between("minNgram", MinNgram, 1, 1_000_000);
        Between("maxChars", MaxChars, 100, 100_000_000);
        Between("heldOutFraction", HeldOutFraction, 0, 0.8);
        Between("maxCorpusChars", MaxCorpusChars, 1000, 1L << 30);
        return problems;

        void Between(string name, double value, double least, double most)
        {
            if (!(value >= least && value <= most)) problems.Add($"{name} is {value}: it must lie between {least} and {most}.");
        }
    }

    internal void ThrowIfInvalid()
    {
        if (Validate() is { Count: > 0 } problems) throw new UserErrorException(string.Join(' ', problems));
    }
}

/// <summary>Perplexities of documents, by which to choose a threshold.</summary>
/// <param name="Corpus">Of all of them as one text.</param>
public sealed record PerplexitySpread(int Documents, double Corpus, double P5, double P25, double Median, double P75, double P95);

/// <param name="Ngrams">Kept, of order 1 and up.</param>
/// <param name="Discounts">Of each order, for counts of 1, 2, and 3 or more.</param>
/// <param name="HeldOut">Of documents kept out of training; null when none were.</param>
/// <param name="Raw">Of the texts given with --raw, if any.</param>
/// <param name="Auc">Probability that a held-out document is less perplexing than a raw one.</param>
public sealed record PerplexityReport(
    PerplexitySettings Settings,
    ulong Seed,
    long Read,
    int Documents,
    long Lines,
    long Tokens,
    long Vocabulary,
    long RareWords,
    IReadOnlyList<long> NgramsSeen,
    IReadOnlyList<long> Ngrams,
    IReadOnlyList<double[]> Discounts,
    PerplexitySpread? HeldOut,
    PerplexitySpread? Raw,
    double? Auc
)
{
    public TextCounts? Texts { get; init; }

    public string ToJson() => System.Text.Json.JsonSerializer.Serialize(this, PerplexityJson.Default.PerplexityReport);
}

/// <summary>Trains an n-gram model for the perplexity filter. The same texts, settings and seed give the same file, in whatever order they
/// come.</summary>
public static class PerplexityTraining
{
    private const string Stage = "perplexity";

    /// <param name="raw">Texts to compare with, or none.</param>
    /// <exception cref="UserErrorException">An input is missing or unreadable, or holds no text.</exception>
    public static PerplexityReport Run(
        IReadOnlyList<string> good,
        IReadOnlyList<string> raw,
        string file,
        PerplexitySettings settings,
        ulong seed,
        IProgress<StageProgress> progress,
        CancellationToken stop
    )
    {
        settings.ThrowIfInvalid();
        var funnel = new Funnel();
        var sample = Read(good, "--good", settings, seed, funnel, progress, stop);
        var held = (int)(sample.Count * settings.HeldOutFraction);
        if (sample.Count - held < 1) throw new UserErrorException($"there are {sample.Count} texts to learn from: name more with --good.");
        var texts = sample.Texts.ToList();
        progress.Report(new StageProgress(Stage, 0, 0, "", "counting n-grams"));
        var model = Fit(CollectionsMarshal.AsSpan(texts)[held..], settings, seed, sample.Seen, stop);
        var report = model.Card.Report with { Texts = TextCounts.Of(sample, funnel) };
        if (held > 0)
        {
            var (spread, values) = SpreadOf(model, texts[..held], stop);
            report = report with { HeldOut = spread };
            if (raw.Count > 0)
            {
                var (rawSpread, rawValues) = SpreadOf(
                    model,
                    [.. Read(raw, "--raw", settings, seed, new Funnel(), progress, stop).Texts],
                    stop
                );
                var scores = values.Concat(rawValues).Select(v => -v).ToArray();
                report = report with
                {
                    Raw = rawSpread,
                    Auc = Judgement.AreaUnderCurve(scores, [.. values.Select(_ => true), .. rawValues.Select(_ => false)]),
                };
            }
        }
        model.With(report).Save(file);
        return report;
    }

    internal static NgramModel Fit(ReadOnlySpan<string> texts, PerplexitySettings settings, ulong seed, long read, CancellationToken stop)
    {
        var tokens = new List<ulong>();
        var counts = new Dictionary<ulong, int>();
        long lines = 0;
        foreach (var text in texts)
        {
            stop.ThrowIfCancellationRequested();
            var inLine = false;
            for (var reader = new NgramTokens(text, settings.Unit); reader.MoveNext();)
            {
                if (!inLine) tokens.Add(NgramTokens.LineStart);
                inLine = reader.Current != NgramTokens.LineEnd;
                tokens.Add(reader.Current);
                if (inLine) CollectionsMarshal.GetValueRefOrAddDefault(counts, reader.Current, out _)++;
                else lines++;
            }
        }
        if (lines == 0) throw new UserErrorException("the texts to learn from hold no words: name others with --good.");
        var all = tokens.ToArray();
        long rare = 0;
        foreach (var count in counts.Values) if (count < settings.MinWord) rare++;
        if (rare > 0)
            foreach (ref var token in all.AsSpan())
                if (token > NgramModel.Unknown && counts[token] < settings.MinWord) token = NgramModel.Unknown;
        var minCounts = new int[settings.Order];
        for (var k = 0; k < settings.Order; k++) minCounts[k] = k < 2 ? 1 : settings.MinNgram;
        var fitted = KneserNey.Fit(all, settings.Order, minCounts, stop);
        var vocabulary = counts.Count - rare;
        var report = new PerplexityReport(
            settings,
            seed,
            read,
            texts.Length,
            lines,
            all.Length - lines,
            vocabulary,
            rare,
            fitted.Seen,
            fitted.Kept,
            fitted.Discounts,
            null,
            null,
            null
        );
        return new NgramModel(
            fitted.Prints,
            fitted.Shares,
            fitted.Rests,
            new PerplexityModelCard(
                PerplexityModelCard.ThisKind,
                PerplexityModelCard.ThisVersion,
                settings.Unit,
                settings.Order,
                fitted.Bits,
                vocabulary + 2,
                rare + 1,
                fitted.UniformShare,
                report
            )
        );
    }

    private static TextSample Read(
        IReadOnlyList<string> paths,
        string option,
        PerplexitySettings settings,
        ulong seed,
        Funnel funnel,
        IProgress<StageProgress> progress,
        CancellationToken stop
    )
    {
        var sample = new TextSample(seed, settings.MaxChars, settings.MaxCorpusChars);
        TrainingTexts.ForEach(paths, option, text =>
        {
            sample.Add(text);
            if (sample.Seen % 1000 == 0) progress.Report(new StageProgress(Stage, sample.Seen, 0, "documents", "reading"));
        }, stop, funnel);
        return sample;
    }

    private static (PerplexitySpread Spread, double[] Values) SpreadOf(NgramModel model, List<string> texts, CancellationToken stop)
    {
        var surprises = new (double Nats, long Tokens)[texts.Count];
        Parallel.For(0, texts.Count, new ParallelOptions { CancellationToken = stop }, i => surprises[i] = model.Surprise(texts[i]));
        var values = surprises.Where(s => s.Tokens > 0).Select(s => Math.Exp(s.Nats / s.Tokens)).Order().ToArray();
        if (values.Length == 0)
            return (new PerplexitySpread(0, double.MaxValue, 0, 0, 0, 0, 0), values);
        return (
            new PerplexitySpread(
                values.Length,
                Math.Exp(surprises.Sum(s => s.Nats) / surprises.Sum(s => s.Tokens)),
                At(0.05),
                At(0.25),
                At(0.5),
                At(0.75),
                At(0.95)
            ),
            values
        );

        double At(double quantile) => values[Math.Min((int)(quantile * values.Length), values.Length - 1)];
    }
}
