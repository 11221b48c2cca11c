namespace Dolmen.Inference;

/// <summary>A text as the draft model knows it.</summary>
internal sealed class DraftText(LanguageModel model, GeneratingSequence text) : IDisposable
{
    private readonly DecodeState _state = model.NewState(model.Config.ContextLength);
    private readonly List<int> _known = [];                              // what the state holds
    private readonly float[] _logits = new float[model.Config.VocabSize];
    private DecodeState? _guessing;                                      // a copy where the state cannot go back
    private Guesser? _guesser;

    public GeneratingSequence Text => text;

    /// <summary>Tokens of the text that the state lacks before one can be guessed.</summary>
    public int Missing => text.Length - _state.Length;

    /// <summary>How likely all of its guesses are right.</summary>
    public double Chance { get; private set; }

    /// <summary>The next tokens that the state lacks, at least one: the last one is read again where nothing is missing.</summary>
    public SequenceSlice Read(int most)
    {
        var same = text.Tokens.CommonPrefixLength(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_known));
        var keep = Math.Min(same, text.Length - 1);
        if (keep < _known.Count)
        {
            if (!_state.CanTruncate(keep)) keep = 0;
            _state.Truncate(keep);
            _known.RemoveRange(keep, _known.Count - keep);
        }
        var tokens = text.Tokens.Slice(keep, Math.Min(most, text.Length - keep)).ToArray();
        _known.AddRange(tokens);
        return new SequenceSlice(_state, tokens) { Logits = _logits };
    }

    /// <summary>The state holds the text: guessing can begin.</summary>
    public void Begin()
    {
        (_guesser, Chance) = (text.Guess(), 1);
        _guessing = _state.CanGoBack ? _state : _state.Fork();
    }

    /// <summary>Adds the guess that follows from the last logits.</summary>
    public void Add()
    {
        if (_guesser!.Next(_logits) is not { } draft)
        {
            Chance = 0;
            return;
        }
        text.Drafts.Add(draft);
        Chance *= text.Rates![draft.Level];
    }

    /// <summary>Whether another may follow.</summary>
    public bool GoesOn(int most) =>
        Chance > 0 && text.Drafts.Count < text.DraftRoom(most)
        && _guessing!.Length < Math.Min(_guessing.Capacity, model.Config.ContextLength);

    /// <summary>The last guess, to be computed.</summary>
    public SequenceSlice Next()
    {
        var token = text.Drafts[^1].Token;
        if (_guessing == _state) _known.Add(token);
        return new SequenceSlice(_guessing!, new[] { token }) { Logits = _logits };
    }

    public void End()
    {
        if (_guessing != _state) _guessing?.Dispose();
        _guessing = null;
    }

    public void Dispose()
    {
        End();
        _state.Dispose();
    }
}

/// <summary>Draws guesses as a text draws its tokens: with its next random numbers and under its form.</summary>
internal sealed class Guesser(Sampler sampler, Constraints.ConstraintCursor? cursor, int[] ends, int drawable)
{
    private float[] _possible = [];

    /// <summary>The next guess; null where the text would end.</summary>
    /// <param name="logits">Of the draft model, (V).</param>
    public Draft? Next(ReadOnlySpan<float> logits)
    {
        if (_possible.Length == 0) _possible = new float[Math.Min(drawable, logits.Length)];
        logits[.._possible.Length].CopyTo(_possible);
        int token;
        try
        {
            if (cursor?.Apply(_possible, int.MaxValue, ends) == false) return null;
            token = sampler.Sample(_possible);
        }
        catch (Exception error) when (error is Artifacts.UserErrorException or InvalidOperationException)
        {
            return null;                                                 // nothing can be drawn: the text itself will say why
        }
        if (ends.Contains(token) || cursor?.TryAdvance(token) == false) return null;
        double total = 0;
        foreach (var logit in _possible) total += Math.Exp(logit - _possible[token]);
        return new Draft(token, (int)Math.Min(AcceptanceRates.Levels - 1, AcceptanceRates.Levels / total));
    }
}
