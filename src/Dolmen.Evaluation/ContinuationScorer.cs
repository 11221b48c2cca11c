using Dolmen.Inference;

namespace Dolmen.Evaluation;

/// <summary>
/// Log-likelihoods of continuations. What a sequence shares with earlier ones is computed once: the shots of a whole task and the question
/// of four choices, whatever the order they come in. The choices go through the model together.
/// </summary>
internal sealed class ContinuationScorer(LanguageModel model) : IDisposable
{
    private const long CacheBytes = 1L << 28;

    private readonly PrefixCache _cache = new(model, CacheBytes);

    /// <summary>Σ ln p(tokens[i] | tokens[..i]) for i ≥ <paramref name="from"/> ≥ 1.</summary>
    public double Score(ReadOnlySpan<int> tokens, int from) => Score([(tokens.ToArray(), from)])[0];

    /// <summary>The same of several sequences, in one pass after what they all begin with.</summary>
    public double[] Score(IReadOnlyList<(int[] Tokens, int From)> sequences)
    {
        foreach (var (tokens, from) in sequences)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(from, 1);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(from, tokens.Length);
        }
        // The token before the first predicted one is always fed; the last one never is.
        var shared = sequences.Min(sequence => sequence.From) - 1;
        var first = sequences[0].Tokens;
        foreach (var (tokens, _) in sequences) shared = Math.Min(shared, tokens.AsSpan().CommonPrefixLength(first));
        Compute(first[..shared]);

        var slices = new SequenceSlice[sequences.Count];
        foreach (var (i, (tokens, from)) in sequences.Index())
        {
            var state = _cache.Find(tokens.AsSpan(0, tokens.Length - 1), most: from - 1).State;
            slices[i] = new SequenceSlice(state, tokens.AsMemory(state.Length..^1))
            {
                Targets = tokens.AsMemory(from), LogProbs = new double[tokens.Length - from],
            };
        }
        model.Forward(slices);
        var scores = new double[slices.Length];
        foreach (var (i, slice) in slices.Index())
        {
            foreach (var logProb in slice.LogProbs.Span) scores[i] += logProb;
            _cache.Keep(sequences[i].Tokens.AsSpan(..^1), slice.State);
        }
        return scores;
    }

    public void Dispose() => _cache.Dispose();

    /// <summary>Sees to it that a beginning is known.</summary>
    private void Compute(int[] beginning)
    {
        // Where every result depends on the whole prompt's length there is nothing to keep.
        if (beginning.Length == 0 || model.DependsOnLength) return;
        var (state, branch) = _cache.Find(beginning, most: beginning.Length);
        if (branch > state.Length && branch < beginning.Length)
        {
            model.Forward(new SequenceSlice(state, beginning.AsMemory(state.Length..branch)));
            if (!state.CanTruncate(1)) _cache.Keep(beginning.AsSpan(0, branch), state.Fork());
        }
        if (state.Length < beginning.Length) model.Forward(new SequenceSlice(state, beginning.AsMemory(state.Length)));
        _cache.Keep(beginning, state);
    }
}
