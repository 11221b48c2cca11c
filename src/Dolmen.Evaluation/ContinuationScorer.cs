using Dolmen.Inference;

namespace Dolmen.Evaluation;

/// <summary>
/// Log-likelihoods of continuations. What a sequence shares with earlier ones is computed once: the shots of a whole task and the
/// question of four choices, whatever the order they come in. </summary>
internal sealed class ContinuationScorer(LanguageModel model) : IDisposable
{
    private const long CacheBytes = 1L << 28;

    private readonly PrefixCache _cache = new(model, CacheBytes);
    private readonly float[] _logProbs = new float[model.Config.ContextLength];

    /// <summary>Σ ln p(tokens[i] | tokens[..i]) for i ≥ <paramref name="from"/> ≥ 1.</summary>
    public double Score(ReadOnlySpan<int> tokens, int from)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(from, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(from, tokens.Length);
        var fed = tokens[..^1].ToArray();                                // the last token is predicted, never fed
        var (state, branch) = _cache.Find(fed, most: from - 1);          // the token before the first predicted one is always fed
        if (branch < from - 1) Feed(fed, branch, state);
        Feed(fed, from - 1, state);
        var logProbs = _logProbs.AsMemory(0, tokens.Length - from);
        model.Forward(new SequenceSlice(state, fed.AsMemory(from - 1)) { Targets = tokens[from..].ToArray(), LogProbs = logProbs });
        _cache.Keep(fed, state);

        var sum = 0.0;
        foreach (var logProb in logProbs.Span) sum += logProb;
        return sum;
    }

    public void Dispose() => _cache.Dispose();

    /// <summary>Computes up to <paramref name="end"/>. Where the state could not go back there, a copy is kept.</summary>
    private void Feed(int[] tokens, int end, DecodeState state)
    {
        if (end <= state.Length) return;
        model.Forward(new SequenceSlice(state, tokens.AsMemory(state.Length..end)));
        if (!state.CanTruncate(1)) _cache.Keep(tokens.AsSpan(0, end), state.Fork());
    }
}
