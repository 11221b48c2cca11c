using Dolmen.Artifacts;

namespace Dolmen.Data.Quality;

/// <summary>What a classifier was trained on, how well it judges, and by which n-grams.</summary>
/// <param name="Conflicting">Texts that were given as good and as not good, and left out.</param>
/// <param name="Uncalibrated">The same documents judged before calibration: what calibration was worth.</param>
/// <param name="Good">N-grams that speak most for the good set, <paramref name="Raw"/> those that speak most against it.</param>
public sealed record QualityReport(
    QualitySettings Settings,
    ulong Seed,
    long GoodRead,
    long RawRead,
    int GoodUsed,
    int RawUsed,
    int Conflicting,
    int Trained,
    int Calibrated,
    bool Balanced,
    Judgement HeldOut,
    Judgement Uncalibrated,
    int NonZeroWeights,
    IReadOnlyList<WeightedNgram> Good,
    IReadOnlyList<WeightedNgram> Raw
)
{
    public TextCounts? GoodTexts { get; init; }

    public TextCounts? RawTexts { get; init; }

    public string ToJson() => System.Text.Json.JsonSerializer.Serialize(this, QualityJson.Default.QualityReport);
}

/// <summary>Trains a quality classifier. The same texts, settings and seed give the same file, in whatever order they come.</summary>
public static class QualityTraining
{
    private const string Stage = "classifier";
    private const int MinPerClass = 30;
    private const int TopFeatures = 200;

    private readonly record struct Example(int[] Features, bool Good, double Weight);

    /// <summary>Trains on a set of good texts and a set of texts as they come.</summary>
    /// <param name="file">Where the model goes, a <c>.safetensors</c> file.</param>
    /// <exception cref="UserErrorException">An input is missing or unreadable, or holds too few texts.</exception>
    public static QualityReport FromSets(
        IReadOnlyList<string> good,
        IReadOnlyList<string> raw,
        string file,
        QualitySettings settings,
        ulong seed,
        IProgress<StageProgress> progress,
        CancellationToken stop
    )
    {
        settings.ThrowIfInvalid();
        var (goods, raws) = (Sample(settings, seed), Sample(settings, seed));
        var (goodFunnel, rawFunnel) = (new Funnel(), new Funnel());
        TrainingTexts.ForEach(good, "--good", text => Add(goods, text, progress), stop, goodFunnel);
        TrainingTexts.ForEach(raw, "--raw", text => Add(raws, text, progress), stop, rawFunnel);
        return Train((goods, goodFunnel), (raws, rawFunnel), file, settings, settings.Balance ?? true, seed, progress, stop);
    }

    /// <summary>Trains on rows of <c>text</c> and <c>label</c>.</summary>
    public static QualityReport FromLabels(
        string labelled,
        string file,
        QualitySettings settings,
        ulong seed,
        IProgress<StageProgress> progress,
        CancellationToken stop
    )
    {
        settings.ThrowIfInvalid();
        var highest = 0.0;
        if (settings.PositiveFrom is null) TrainingTexts.ForEachLabelled(labelled, (_, label) => highest = Math.Max(highest, label), stop);
        var from = settings.PositiveFrom ?? (highest > 1 ? 3 : 1);
        var (goods, raws) = (Sample(settings, seed), Sample(settings, seed));
        TrainingTexts.ForEachLabelled(labelled, (text, label) => Add(label >= from ? goods : raws, text, progress), stop);
        return Train(
            (goods, new Funnel()),
            (raws, new Funnel()),
            file,
            settings with
            {
                PositiveFrom = from,
            },
            settings.Balance ?? false,
            seed,
            progress,
            stop
        );
    }

    private static TextSample Sample(QualitySettings settings, ulong seed) => new(seed, settings.MaxChars, settings.MaxCharsPerClass);

    private static void Add(TextSample sample, string text, IProgress<StageProgress> progress)
    {
        sample.Add(text);
        if (sample.Seen % 1000 == 0) progress.Report(new StageProgress(Stage, sample.Seen, 0, "documents", "reading"));
    }

    private static QualityReport Train(
        (TextSample Sample, Funnel Funnel) good,
        (TextSample Sample, Funnel Funnel) raw,
        string file,
        QualitySettings settings,
        bool balance,
        ulong seed,
        IProgress<StageProgress> progress,
        CancellationToken stop
    )
    {
        var (goods, raws) = (good.Sample, raw.Sample);
        var conflicting = goods.RemoveShared(raws);
        RefuseFew(goods.Count, "good");
        RefuseFew(raws.Count, "other");
        var all = goods.Count + raws.Count;
        var (goodWeight, rawWeight) = balance ? (all / (2.0 * goods.Count), all / (2.0 * raws.Count)) : (1.0, 1.0);
        List<string> training = [];
        List<(string Text, bool Good, double Weight)> taught = [], calibrating = [], judging = [];
        Split(goods, true, goodWeight);
        Split(raws, false, rawWeight);

        var examples = Hash(taught, settings, stop);
        var weights = FtrlRegression.Train(
            [.. examples.Select(e => (e.Features, e.Good, e.Weight))], settings, seed, out var bias,
            epoch => progress.Report(new StageProgress(Stage, epoch, settings.Epochs, "epochs", "training")), stop);
        foreach (ref var weight in weights.AsSpan()) if (Math.Abs(weight) < 1e-6f) weight = 0;
        var top = FeatureNames.Top(training, settings.Bits, weights, TopFeatures);

        var bare = new QualityModel(weights, new QualityModelCard(
            QualityModelCard.ThisKind, QualityModelCard.ThisVersion, settings.Bits, settings.MaxChars, bias, 1, 0, null));
        var (logits, isGood, counts) = Logits(bare, calibrating);
        var calibration = Calibration.Fit(logits, isGood, counts);
        (logits, isGood, counts) = Logits(bare, judging);
        var report = new QualityReport(
            settings, seed, goods.Seen, raws.Seen, goods.Count, raws.Count, conflicting, taught.Count, calibrating.Count, balance,
            Judgement.Of(Probabilities(calibration), isGood, counts), Judgement.Of(Probabilities(Calibration.None), isGood, counts),
            weights.Length - weights.AsSpan().Count(0f), top.Good, top.Raw)
        {
            GoodTexts = TextCounts.Of(goods, good.Funnel, conflicting),
            RawTexts = TextCounts.Of(raws, raw.Funnel, conflicting),
        };
        var card = bare.Card with { Slope = calibration.Slope, Intercept = calibration.Intercept, Report = report };
        new QualityModel(weights, card).Save(file);
        return report;

        double[] Probabilities(Calibration by) => Array.ConvertAll(logits, by.Probability);

        void Split(TextSample sample, bool isOfGood, double weight)
        {
            // The sample comes in random order: the first part of it is as good as any.
            var half = Math.Max((int)(sample.Count * settings.HeldOutFraction / 2), 3);
            var place = 0;
            foreach (var text in sample.Texts)
            {
                var part = place < half ? judging : place < 2 * half ? calibrating : taught;
                part.Add((text, isOfGood, weight));
                if (place++ >= 2 * half) training.Add(text);
            }
        }
    }

    private static void RefuseFew(int count, string which)
    {
        if (count < MinPerClass)
            throw new UserErrorException(
                $"there are {count} distinct {which} texts: a classifier needs {MinPerClass} of each kind at least, thousands to be of "
                    + $"use. Name more."
            );
    }

    private static Example[] Hash(List<(string Text, bool Good, double Weight)> texts, QualitySettings settings, CancellationToken stop)
    {
        var examples = new Example[texts.Count];
        Parallel.For(0, texts.Count, new ParallelOptions { CancellationToken = stop }, i =>
        {
            var features = new List<int>(texts[i].Text.Length / 3);
            for (var reader = new TextFeatures(texts[i].Text, settings.Bits); reader.MoveNext();) features.Add(reader.Index);
            features.Sort();
            examples[i] = new Example([.. features], texts[i].Good, texts[i].Weight);
        });
        return examples;
    }

    private static (double[] Logits, bool[] Good, double[] Weights) Logits(
        QualityModel model,
        List<(string Text, bool Good, double Weight)> texts
    )
    {
        var words = texts.Select(t => (Logit: model.Logit(t.Text), t.Good, t.Weight)).Where(t => !double.IsNaN(t.Logit)).ToList();
        return ([.. words.Select(w => w.Logit)], [.. words.Select(w => w.Good)], [.. words.Select(w => w.Weight)]);
    }
}
