using System.Runtime.InteropServices;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Evaluation.Tasks;

/// <summary>
/// How well the model predicts held-out text. Each held-out entry is a document of its own, BOS tokens EOS, as in training: every token
/// after BOS is predicted, EOS included, and the total −log₂ p is divided by the UTF-8 bytes of the text, so that models with different
/// tokenizers compare.
/// </summary>
/// <param name="MaxBytes">Documents are drawn until they hold this many bytes.</param>
public sealed record BitsPerByteTask(int MaxBytes = 262144) : EvalTask
{
    public override string Name => "bits-per-byte";

    public override string Measures => "How many bits the model needs for a byte of held-out text.";

    public override IReadOnlyList<string> Metrics() => ["bitsPerByte"];

    public override IReadOnlyList<string> Files() => [EvaluationCorpus.HeldOut];

    public override EvaluationResult Run(EvaluationInput input, EvaluationResult result)
    {
        var all = EvaluationCorpus.Read(input.CorpusDirectory, EvaluationCorpus.HeldOut, EvaluationJson.Default.HeldOutDocument);
        var texts = all.FindAll(document => document.Text.Length > 0);
        var documents = Draw(texts, input.Seed);
        var tally = EvaluationCorpus.Counts(
            "held-out documents",
            EvaluationCorpus.HeldOut,
            all.Count,
            documents.Count + all.Count - texts.Count
        );
        tally.Drop("text-empty", new DataPlace(EvaluationCorpus.HeldOut, 0), all.Count - texts.Count);
        tally.Use(documents.Count);
        result = result.Counted(tally);
        if (documents.Count == 0) return result.Warn($"{Name} was skipped: {EvaluationCorpus.HeldOut} is empty.");

        var special = input.Tokenizer.Special;
        var scorer = new ContinuationScorer(input.Model);
        var tokens = new List<int>();
        var (nats, bytes, predicted) = (0.0, 0L, 0L);
        for (var i = 0; i < documents.Count; i++)
        {
            input.Stop.ThrowIfCancellationRequested();
            tokens.Clear();
            tokens.Add(special.Bos);
            input.Tokenizer.Encode(documents[i].Text, tokens);
            tokens.Add(special.Eos);
            var document = CollectionsMarshal.AsSpan(tokens);
            foreach (var window in RollingWindows.Of(document.Length, input.Model.Config.ContextLength).ToList())
            {
                nats -= scorer.Score(document[window.Tokens], window.From);
            }
            bytes += Encoding.UTF8.GetByteCount(documents[i].Text);
            predicted += document.Length - 1;
            input.Progress.Report(new StageProgress("evaluation", i + 1, documents.Count, "documents", Name));
        }
        return result with { BitsPerByte = nats / Math.Log(2) / bytes, HeldOutBytes = bytes, HeldOutTokens = predicted };
    }

    private List<HeldOutDocument> Draw(List<HeldOutDocument> all, ulong seed)
    {
        var drawn = new List<HeldOutDocument>();
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
