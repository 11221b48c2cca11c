using Dolmen.Artifacts;

namespace Dolmen.Inference.Constraints;

/// <summary>How far one text has come under a <see cref="TextConstraint"/>.</summary>
internal sealed class ConstraintCursor
{
    private readonly TextConstraint _constraint;
    private GrammarPlace _place;
    private bool _dropsSpace;

    internal ConstraintCursor(TextConstraint constraint, GrammarPlace place, bool dropsSpace) =>
        (_constraint, _place, _dropsSpace) = (constraint, place, dropsSpace);

    /// <summary>The text so far is complete.</summary>
    public bool MayEnd => _place.Accepts;

    /// <summary>The text so far is complete and nothing may follow.</summary>
    public bool MustEnd => _place.IsLast;

    /// <summary>A cursor at the same place that goes on by itself.</summary>
    public ConstraintCursor Fork() => new(_constraint, _place, _dropsSpace);

    /// <summary>Takes the logits of all tokens that may not come to minus infinity. Tokens that end the text stay only where it may
    /// end.</summary>
    /// <param name="remaining">Tokens that may still be drawn, at least one. Near this limit only tokens stay after which the text can
    /// still be completed within it, at a token a byte; where that was never possible, the limit is not minded.</param>
    /// <param name="ends">Tokens that end the text.</param>
    /// <returns>False where the text must end and no token says so.</returns>
    /// <exception cref="UserErrorException">No token of the vocabulary may come next.</exception>
    public bool Apply(Span<float> logits, int remaining, ReadOnlySpan<int> ends)
    {
        var mask = _constraint.Mask(_place, _dropsSpace, remaining);
        Span<float> endings = stackalloc float[Math.Min(ends.Length, 64)];
        for (var i = 0; i < endings.Length; i++) endings[i] = ends[i] < logits.Length ? logits[ends[i]] : float.NegativeInfinity;
        mask.Apply(logits);
        for (var i = 0; i < ends.Length; i++)
        {
            if (ends[i] < logits.Length) logits[ends[i]] = MayEnd && i < endings.Length ? endings[i] : float.NegativeInfinity;
        }
        if (logits.ContainsAnyExcept(float.NegativeInfinity)) return true;
        if (MayEnd) return false;
        throw new UserErrorException(
            "The constraint cannot be met: no token of the vocabulary spells what must come next, or every such token was forbidden.");
    }

    /// <summary>Goes on by a token if it may come next, and if what follows is not too deep or too ambiguous to be computed: that is
    /// said where a text comes so far, not where it is guessed.</summary>
    public bool TryAdvance(int token)
    {
        try
        {
            if (MustEnd || _constraint.Next(_place, token, _dropsSpace) is not { } next) return false;
            (_place, _dropsSpace) = (next, false);
            return true;
        }
        catch (UserErrorException)
        {
            return false;
        }
    }

    /// <summary>Goes on by a token that <see cref="Apply"/> left possible and that does not end the text.</summary>
    public void Advance(int token)
    {
        _place = _constraint.Next(_place, token, _dropsSpace)
            ?? throw new InvalidOperationException($"Token {token} may not come here under the constraint.");
        _dropsSpace = false;
    }
}
