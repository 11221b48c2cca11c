// P pairs of a step, T positions of the context
using Dolmen.Artifacts;
using Dolmen.Modeling.Architectures;
using Dolmen.Tokenization;
using Dolmen.Training;
using static TorchSharp.torch;

namespace Dolmen.Tests.Guides;

// guide: docs/guides/add-an-objective.md, block 2
/// <summary>IPO on pairs of answers. The reference is the model as it comes in; a step is one pass over its pairs.</summary>
public sealed class IdentityPreferenceTask : TrainingTask<LanguageDecoder>
{
    private readonly List<(TokenizedConversation Chosen, TokenizedConversation Rejected)> _pairs = [];
    private readonly List<(float Chosen, float Rejected)> _reference = [];
    private readonly DataOrder _order;
    private readonly int _length, _pairsPerStep, _pad;
    private readonly double _tau;

    public IdentityPreferenceTask(
        string preferences, Tokenizer tokenizer, TrainingRecipe training, int steps, int pairsPerStep, double tau, ulong seed)
    {
        (Steps, _length, _pairsPerStep, _pad, _tau) = (steps, training.ContextLength, pairsPerStep, tokenizer.Special.Pad, tau);
        var tally = new DataTally("pairs");                             // counts what becomes of every row of the file
        var tokens = new ConversationTokens(tokenizer, tally);
        var fit = new RowFit(_length, training.LongRows, tally);
        foreach (var pair in PreferenceFiles.Read(preferences, tally))
        {
            if (pair.Problem is { } problem) tally.Drop(problem, pair.Place);
            else if (fit.FitPair(tokens.Of(pair.Chosen), tokens.Of(pair.Rejected), pair.Place) is { } fitting) _pairs.Add(fitting);
        }
        Data = tally.RequireSome(preferences, $"IPO needs a pair of two answers that fits training.contextLength {_length}.");
        _order = new DataOrder(_pairs.Count, seed);
    }

    public override string Stage => "ipo";

    public override int Steps { get; }

    public override DataCounts Data { get; }

    public override long TokensAfter(int steps) => 2L * steps * _pairsPerStep * _length;

    /// <summary>Before the first step, also of a run that goes on: the model is still the untrained one.</summary>
    public override void Prepare(LanguageDecoder model, IProgress<StageProgress> progress, CancellationToken stop)
    {
        using var noGradient = no_grad();
        for (var pair = 0; pair < _pairs.Count; pair++)
        {
            using var scope = NewDisposeScope();
            stop.ThrowIfCancellationRequested();
            var (chosen, rejected) = AnswerLogProbs(model, [pair]);                                  // 2 × (1)
            _reference.Add((chosen.item<float>(), rejected.item<float>()));
            progress.Report(new StageProgress("reference", pair + 1, _pairs.Count, "pairs"));
        }
    }

    /// <summary>Which pairs a step learns from follows from its number alone, so that a run that goes on sees the same.</summary>
    public override StepResult Accumulate(LanguageDecoder model, int step)
    {
        using var scope = NewDisposeScope();
        int[] pairs = [.. Enumerable.Range(0, _pairsPerStep).Select(i => _order.At((long)step * _pairsPerStep + i))];
        var (chosen, rejected) = AnswerLogProbs(model, pairs);                                       // 2 × (P)
        var device = model.Parameters.Compute.Device;
        var referenceChosen = tensor([.. pairs.Select(pair => _reference[pair].Chosen)], device: device);         // (P)
        var referenceRejected = tensor([.. pairs.Select(pair => _reference[pair].Rejected)], device: device);     // (P)
        var losses = IdentityPreferenceObjective.Losses(chosen, rejected, referenceChosen, referenceRejected, _tau);
        var margin = (chosen - rejected - referenceChosen + referenceRejected).detach().mean().item<float>();
        return new StepResult(model.Parameters.Backward(losses.mean(), first: true), ("rewards/margins", margin));
    }

    /// <summary>Σ log p over the tokens of each answer, chosen (P) and rejected (P), in one pass over 2P rows.</summary>
    private (Tensor Chosen, Tensor Rejected) AnswerLogProbs(LanguageDecoder model, int[] pairs)
    {
        var batch = new Batch(2 * pairs.Length, _length);
        for (var i = 0; i < pairs.Length; i++)
        {
            var (chosen, rejected) = _pairs[pairs[i]];
            batch.SetRow(i, chosen.Tokens, chosen.LossMask, _pad);
            batch.SetRow(pairs.Length + i, rejected.Tokens, rejected.LossMask, _pad);
        }
        var device = model.Parameters.Compute.Device;
        var sums = model.LogProbs(batch.Inputs(device), batch.Targets(device)).sum(1);               // (2P)
        return (sums.narrow(0, 0, pairs.Length), sums.narrow(0, pairs.Length, pairs.Length));
    }
}
// end of guide
