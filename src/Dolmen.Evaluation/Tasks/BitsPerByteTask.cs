using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Evaluation.Tasks;

/// <summary>
/// How well the model predicts held-out text. Each held-out entry is a document of its own, BOS tokens EOS, as in training: every token
/// after BOS is predicted, EOS included, and the total −log₂ p is divided by the UTF-8 bytes of the text, so that models with different
/// tokenizers compare.
/// </summary>
/// <param name="MaxBytes">Documents are drawn until they hold this many bytes; the last one drawn is scored whole.</param>
public sealed record BitsPerByteTask(int MaxBytes = 262144) : EvalTask
{
    internal const string Metric = "bits_per_byte";

    /// <summary>Tokens that go through the model together: some of its passes.</summary>
    private const int BatchTokens = 2048;

    public override string Name() => "bits-per-byte";

    public override string Measures() => "How many bits the model needs for a byte of held-out text.";

    public override IReadOnlyList<string> Metrics() => [Metric];

    public override IReadOnlyList<string> Files() => [CorpusFolder.HeldOut];

    public override IEnumerable<string> Problems() => AtLeast(1, ("maxBytes", MaxBytes));

    public override TaskResult Run(EvaluationInput input)
    {
        var all = EvaluationCorpus.Read(input.CorpusDirectory, CorpusFolder.HeldOut, CorpusRowJson.Default.HeldOutText);
        var texts = all.FindAll(document => document.Text.Length > 0);
        var documents = Draw(texts, input.Seed);
        var tally = EvaluationCorpus.Counts(
            "held-out documents",
            CorpusFolder.HeldOut,
            all.Count,
            documents.Count + all.Count - texts.Count
        );
        tally.Drop("text-empty", new DataPlace(CorpusFolder.HeldOut, 0), all.Count - texts.Count);
        tally.Use(documents.Count);
        if (documents.Count == 0)
            return new TaskResult([], tally.ToCounts(), [$"{Name()} was skipped: {CorpusFolder.HeldOut} is empty."]);

        var (bits, predicted) = Bits(documents, input);
        var bytes = documents.ConvertAll(document => Encoding.UTF8.GetByteCount(document.Text));
        var (count, total) = (documents.Count, bytes.Sum(length => (long)length));
        var ratio = bits.Sum() / total;
        return new TaskResult(
            [
                Score(Metric, ratio, StandardError(bits, bytes, ratio), higherIsBetter: false),
                Score("bytes", total, null, higherIsBetter: null),
                Score("tokens", predicted, null, higherIsBetter: null),
            ],
            tally.ToCounts(), []);

        EvaluationScore Score(string metric, double value, double? error, bool? higherIsBetter) =>
            new(Name(), metric, EvaluationScore.AllItems, value, error, count, higherIsBetter);
    }

    /// <summary>−log₂ p of each document, and the tokens predicted. Short documents share the passes of the model.</summary>
    private (double[] Bits, long Predicted) Bits(List<HeldOutText> documents, EvaluationInput input)
    {
        using var scorer = new ContinuationScorer(input.Model);
        var (nats, predicted) = (new double[documents.Count], 0L);
        var batch = new List<(int Document, int[] Tokens, int From)>();
        foreach (var (i, document) in documents.Index())
        {
            input.Stop.ThrowIfCancellationRequested();
            int[] tokens = [input.Tokenizer.Special.Bos, .. input.Tokenizer.Encode(document.Text), input.Tokenizer.Special.Eos];
            predicted += tokens.Length - 1;
            foreach (var window in RollingWindows.Of(tokens.Length, input.Model.Config.ContextLength))
                batch.Add((i, tokens[window.Tokens], window.From));
            if (batch.Sum(window => window.Tokens.Length) < BatchTokens && i < documents.Count - 1) continue;
            var scores = scorer.Score(batch.ConvertAll(window => (window.Tokens, window.From)));
            foreach (var (window, score) in batch.Zip(scores)) nats[window.Document] -= score;
            batch.Clear();
            input.Progress.Report(new StageProgress("evaluation", i + 1, documents.Count, "documents", Name()));
        }
        return ([.. nats.Select(sum => sum / Math.Log(2))], predicted);
    }

    /// <summary>Standard error of a ratio of two sums over a sample of documents (Cochran 1977, Sampling Techniques, chapter 6).</summary>
    internal static double? StandardError(IReadOnlyList<double> bits, IReadOnlyList<int> bytes, double ratio)
    {
        var n = bits.Count;
        if (n < 2) return null;
        var squares = bits.Zip(bytes, (sum, length) => sum - ratio * length).Sum(residual => residual * residual);
        return Math.Sqrt(squares / (n - 1) * n) / bytes.Sum(length => (long)length);
    }

    private List<HeldOutText> Draw(List<HeldOutText> all, ulong seed)
    {
        var drawn = new List<HeldOutText>();
        var bytes = 0L;
        foreach (var i in EvaluationCorpus.Shuffled(all.Count, seed))
        {
            if (bytes >= MaxBytes) break;
            drawn.Add(all[i]);
            bytes += Encoding.UTF8.GetByteCount(all[i].Text);
        }
        return drawn;
    }
}
