// P pairs, T longest answer of a batch
using Dolmen.Artifacts;
using Dolmen.Modeling.Architectures;
using Dolmen.Tokenization;
using static TorchSharp.torch;

namespace Dolmen.Training.PostTraining;

/// <summary>DPO on pairs of answers. The reference is the model as it comes in; its log-probabilities are computed once, on the very
/// batches that are trained on, so that the first loss is ln 2.</summary>
public sealed class DpoTask : TrainingTask<LanguageDecoder>
{
    /// <summary>Batches are padded to a multiple of this: fewer shapes for libtorch to prepare kernels for.</summary>
    private const int LengthMultiple = 16;

    private readonly List<(TokenizedConversation Chosen, TokenizedConversation Rejected)> _pairs = [];
    private readonly (float Chosen, float Rejected)?[] _reference;
    private readonly DataOrder _order;
    private readonly DpoRecipe _recipe;
    private readonly TrainingRecipe _training;
    private readonly int _pad;
    private readonly long[] _tokensAfter;

    public DpoTask(string preferencesFile, Tokenizer tokenizer, DpoRecipe recipe, TrainingRecipe training, ulong seed)
    {
        (_recipe, _training, _pad) = (recipe, training, tokenizer.Special.Pad);
        var tally = new DataTally("pairs");
        var tokens = new ConversationTokens(tokenizer, tally);
        var fit = new RowFit(training.ContextLength, training.LongRows, tally);
        foreach (var pair in PreferenceFiles.Read(preferencesFile, tally))
        {
            if (pair.Problem is { } problem)
            {
                tally.Drop(problem, pair.Place);
                continue;
            }
            if (fit.FitPair(tokens.Of(pair.Chosen), tokens.Of(pair.Rejected), pair.Place) is { } fitting) _pairs.Add(fitting);
        }
        var counts = tally.RequireSome(
            preferencesFile,
            $"DPO needs one pair at least of two different answers that fit training.contextLength {training.ContextLength}."
        );
        _reference = new (float, float)?[_pairs.Count];
        _order = new DataOrder(_pairs.Count, seed);
        Steps = (int)Math.Max(1, (recipe.TotalPairs > 0 ? recipe.TotalPairs : _pairs.Count) / recipe.BatchPairs);
        Data = counts with { NotReached = Math.Max(0, _pairs.Count - (long)Steps * recipe.BatchPairs) };
        _tokensAfter = new long[Steps + 1];
        for (var step = 0; step < Steps; step++)
            _tokensAfter[step + 1] = _tokensAfter[step] + MicroBatches(step).Sum(batch => 2L * batch.Length * LengthOf(batch));
    }

    public override DataCounts Data { get; }

    public override string Stage => "dpo";

    public override int Steps { get; }

    public override long TokensAfter(int steps) => _tokensAfter[steps];

    public override void Prepare(LanguageDecoder model, IProgress<StageProgress> progress, CancellationToken stop)
    {
        using var noGradient = no_grad();
        for (var step = 0; step < Steps; step++)
        {
            stop.ThrowIfCancellationRequested();
            foreach (var batch in MicroBatches(step).Where(batch => Array.Exists(batch, pair => _reference[pair] is null)))
            {
                using var scope = NewDisposeScope();
                var (chosen, rejected) = AnswerLogProbs(model, batch);
                var (w, l) = (chosen.cpu().data<float>().ToArray(), rejected.cpu().data<float>().ToArray());
                for (var i = 0; i < batch.Length; i++) _reference[batch[i]] ??= (w[i], l[i]);
            }
            progress.Report(new StageProgress("reference", step + 1, Steps, "steps"));
        }
    }

    public override StepResult Accumulate(LanguageDecoder model, int step)
    {
        var (loss, first) = (0.0, true);
        var totals = new double[6];
        foreach (var batch in MicroBatches(step))
        {
            using var scope = NewDisposeScope();
            var (chosen, rejected) = AnswerLogProbs(model, batch);                               // (P), (P)
            var device = model.Parameters.Compute.Device;
            var referenceChosen = tensor([.. batch.Select(pair => _reference[pair]!.Value.Chosen)], device: device);          // (P)
            var referenceRejected = tensor([.. batch.Select(pair => _reference[pair]!.Value.Rejected)], device: device);      // (P)
            var total = DpoObjective.Losses(chosen, rejected, referenceChosen, referenceRejected, _recipe.Beta).sum() / _recipe.BatchPairs;
            loss += model.Parameters.Backward(total, first);
            first = false;
            var m = DpoObjective.Metrics(chosen.detach(), rejected.detach(), referenceChosen, referenceRejected, _recipe.Beta);
            double[] means = [m.RewardsChosen, m.RewardsRejected, m.RewardsAccuracies, m.RewardsMargins, m.LogpsChosen, m.LogpsRejected];
            for (var i = 0; i < totals.Length; i++) totals[i] += means[i] * batch.Length / _recipe.BatchPairs;
        }
        return new StepResult(loss, ("rewards/chosen", totals[0]), ("rewards/rejected", totals[1]), ("rewards/accuracies", totals[2]),
            ("rewards/margins", totals[3]), ("logps/chosen", totals[4]), ("logps/rejected", totals[5]));
    }

    /// <summary>Σ log p over each answer's tokens: chosen (P), rejected (P). One pass for both.</summary>
    private (Tensor Chosen, Tensor Rejected) AnswerLogProbs(LanguageDecoder model, int[] pairs)
    {
        var batch = new Batch(2 * pairs.Length, LengthOf(pairs));
        for (var i = 0; i < pairs.Length; i++)
        {
            var (chosen, rejected) = _pairs[pairs[i]];
            batch.SetRow(i, chosen.Tokens, chosen.LossMask, _pad);
            batch.SetRow(pairs.Length + i, rejected.Tokens, rejected.LossMask, _pad);
        }
        var device = model.Parameters.Compute.Device;
        var sums = model.LogProbs(batch.Inputs(device), batch.Targets(device)).sum(1);           // (2P)
        return (sums.narrow(0, 0, pairs.Length), sums.narrow(0, pairs.Length, pairs.Length));
    }

    /// <summary>The step's pairs, by length, cut so that each part fits a micro-batch.</summary>
    private IEnumerable<int[]> MicroBatches(int step)
    {
        var pairs = Enumerable.Range(0, _recipe.BatchPairs).Select(i => _order.At((long)step * _recipe.BatchPairs + i))
            .OrderBy(LongerOf).ThenBy(pair => pair).ToArray();
        for (var start = 0; start < pairs.Length;)
        {
            var end = start + 1;
            while (end < pairs.Length && 2 * (end + 1 - start) * Padded(LongerOf(pairs[end])) <= _training.MicroBatchTokens) end++;
            yield return pairs[start..end];
            start = end;
        }
    }

    private int LongerOf(int pair) => Math.Max(_pairs[pair].Chosen.Tokens.Length, _pairs[pair].Rejected.Tokens.Length) - 1;

    private int LengthOf(int[] pairs) => Math.Min(_training.ContextLength, Padded(pairs.Max(LongerOf)));

    private static int Padded(int length) => (length + LengthMultiple - 1) / LengthMultiple * LengthMultiple;
}
