using Dolmen.Inference.Constraints;

namespace Dolmen.Inference;

/// <summary>Changes logits before a token is drawn, in the order of vLLM: bias, tokens that must not come, repetition penalty, then
/// frequency and presence penalty, DRY; last what a constraint does not allow.</summary>
/// <param name="prompt">Counts for the repetition penalty and DRY alone.</param>
/// <param name="ends">Tokens that may not be drawn while the text is too short.</param>
/// <param name="cursor">Follows the text under its constraint, if it has one.</param>
internal sealed class LogitRules(SamplingOptions options, IEnumerable<int> prompt, int[] ends, ConstraintCursor? cursor = null)
{
    private const double Never = -100;

    private readonly HashSet<int> _seen = options.RepetitionPenalty != 1 ? [.. prompt] : [];
    private readonly DryPenalty? _dry = options.Dry is { Multiplier: > 0 } dry ? new DryPenalty(dry, prompt) : null;
    private readonly Dictionary<int, int> _counts = [];
    private float[] _changed = [];

    public void Count(int token)
    {
        _counts[token] = _counts.GetValueOrDefault(token) + 1;
        _dry?.Add(token);
        cursor?.Advance(token);
    }

    /// <param name="remaining">Tokens that may still be drawn.</param>
    /// <returns>The logits themselves where nothing changes them; nothing where the text must end here.</returns>
    public ReadOnlySpan<float> Apply(ReadOnlySpan<float> logits, bool mayEnd, int remaining = int.MaxValue)
    {
        if (mayEnd && _dry is null && cursor is null
            && options is { Bias.Count: 0, Suppressed.Count: 0, RepetitionPenalty: 1, PresencePenalty: 0,
            FrequencyPenalty: 0 })
        {
            return logits;
        }
        if (_changed.Length != logits.Length) _changed = new float[logits.Length];
        logits.CopyTo(_changed);
        foreach (var (token, bias) in options.Bias)
        {
            if (token < _changed.Length) _changed[token] = bias <= Never ? float.NegativeInfinity : _changed[token] + (float)bias;
        }
        Forbid(options.Suppressed);
        if (!mayEnd) Forbid(ends);
        Penalise();
        _dry?.Apply(_changed);
        return cursor?.Apply(_changed, remaining, ends) == false ? [] : _changed;
    }

    private void Forbid(IReadOnlyList<int> tokens)
    {
        foreach (var token in tokens)
        {
            if (token < _changed.Length) _changed[token] = float.NegativeInfinity;
        }
    }

    private void Penalise()
    {
        var penalty = (float)options.RepetitionPenalty;
        if (penalty != 1)
        {
            foreach (var token in _seen.Concat(_counts.Keys.Where(token => !_seen.Contains(token))))
            {
                if (token < _changed.Length) _changed[token] = _changed[token] > 0 ? _changed[token] / penalty : _changed[token] * penalty;
            }
        }
        if (options is { PresencePenalty: 0, FrequencyPenalty: 0 }) return;
        foreach (var (token, count) in _counts)
        {
            if (token < _changed.Length) _changed[token] -= (float)(options.PresencePenalty + options.FrequencyPenalty * count);
        }
    }
}
