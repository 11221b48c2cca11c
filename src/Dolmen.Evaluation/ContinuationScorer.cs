using Dolmen.Inference;

namespace Dolmen.Evaluation;

/// <summary>
/// Log-likelihoods of continuations. Remembers the sequence it scored last and computes only what follows the prefix shared with it: the
/// shots of a whole task and the question of four choices are computed once, whatever the order they come in. Where a state cannot forget
/// (recurrent models, sliding windows) copies are kept at the ends of shared prefixes instead.
/// </summary>
internal sealed class ContinuationScorer(LanguageModel model)
{
    private readonly float[] _logits = new float[model.Config.VocabSize];
    private readonly float[] _logProbs = new float[model.Config.ContextLength];
    private readonly Stack<DecodeState> _copies = new();                 // each a prefix of the next
    private DecodeState _state = model.NewState(model.Config.ContextLength);
    private int[] _held = [];                                            // the tokens the state has taken in
    private bool _forgets = true;

    public long TokensComputed { get; private set; }

    /// <summary>Σ ln p(tokens[i] | tokens[..i]) for i ≥ <paramref name="from"/> ≥ 1.</summary>
    public double Score(ReadOnlySpan<int> tokens, int from)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(from, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(from, tokens.Length);
        var fed = tokens[..^1];                                          // the last token is predicted, never fed
        var shared = Math.Min(fed.CommonPrefixLength(_held), from - 1);  // the token before the first predicted one is always fed
        var start = Rewind(shared);
        Feed(fed[start..shared]);
        Feed(fed[shared..(from - 1)]);
        var logProbs = _logProbs.AsSpan(0, tokens.Length - from);
        model.LogProbs(fed[(from - 1)..], tokens[from..], _state, logProbs);
        TokensComputed += logProbs.Length;
        _held = fed.ToArray();

        var sum = 0.0;
        foreach (var logProb in logProbs) sum += logProb;
        return sum;
    }

    private void Feed(ReadOnlySpan<int> tokens)
    {
        if (tokens.IsEmpty) return;
        model.Prefill(tokens, _state, _logits);
        TokensComputed += tokens.Length;
        _forgets &= _state.CanTruncate(1);
        if (!_forgets) _copies.Push(_state.Fork());
    }

    /// <summary>Back to a state of at most <paramref name="length"/> tokens; how many it holds.</summary>
    private int Rewind(int length)
    {
        if (_forgets && _state.CanTruncate(length))
        {
            _state.Truncate(length);
            return length;
        }
        _forgets = false;
        _state.Dispose();
        while (_copies.TryPeek(out var copy) && copy.Length > length) _copies.Pop().Dispose();
        _state = _copies.TryPeek(out var kept) ? kept.Fork() : model.NewState(model.Config.ContextLength);
        return _state.Length;
    }
}
