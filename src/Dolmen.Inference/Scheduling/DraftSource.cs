using System.Diagnostics;

namespace Dolmen.Inference;

/// <summary>Guesses with a smaller model, for all texts in common passes. At each place it draws as the text itself will, with the same
/// random number: where the two models give much the same probabilities, the same token comes out.</summary>
/// <param name="passSeconds">Texts that it does not know yet are read in passes of about so long.</param>
internal sealed class DraftSource(LanguageModel model, Speculation settings, double passSeconds, GuessingHistory history) : IDraftSource
{
    private readonly Dictionary<GeneratingSequence, DraftText> _texts = [];
    private readonly PassSize _passSize = new(model, Math.Min(passSeconds, 1));
    private double _stepSeconds;                                         // of one guess for each text
    private double _guessing;                                            // seconds of the last pass's guesses

    public long StateBytes => model.StateBytes;

    public AcceptanceRates Rates => history.Drafts;

    public void Guess(IReadOnlyList<GeneratingSequence> texts, int rows, PassCost cost)
    {
        _guessing = 0;
        if (texts.Count == 0) return;
        if (!settings.Always && !history.Trial.Goes()) return;
        var started = Stopwatch.GetTimestamp();
        var writing = texts.Where(text => text.Length < model.Config.ContextLength).Select(Known).ToList();
        var read = writing.Count > 0 ? CatchUp(writing) : 0;
        writing.RemoveAll(draft => draft.Missing > 0);
        foreach (var draft in writing) draft.Begin();
        var (first, steps) = (Stopwatch.GetTimestamp(), 0);
        while (writing.Count > 0)
        {
            foreach (var draft in writing) draft.Add();
            writing.RemoveAll(draft => !draft.GoesOn(settings.MaxDrafts) || (!settings.Always && !IsWorth(draft, texts.Count, rows, cost)));
            if (writing.Count == 0) break;
            model.Forward([.. writing.Select(draft => draft.Next())]);
            steps++;
        }
        foreach (var draft in _texts.Values) draft.End();
        if (steps > 0) Learn(Stopwatch.GetElapsedTime(first).TotalSeconds / steps);
        // A text is read once: that says nothing of what guessing takes.
        if (read <= (1 + Speculation.MostDrafts) * texts.Count) _guessing = Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    public void Measured(int written, int accepted, double seconds, double alone)
    {
        if (_guessing > 0) history.Trial.Count((written + accepted) * alone / written - seconds - _guessing);
        _guessing = 0;
    }

    public void Forget(bool all)
    {
        var had = _texts.Count > 0;
        foreach (var (text, draft) in _texts.Where(entry => all || entry.Key.State is null || entry.Key.IsFinished).ToList())
        {
            draft.Dispose();
            _texts.Remove(text);
        }
        // What others need is not to be computed anew at once.
        if (all && had) history.Trial.Pause();
    }

    public void Dispose()
    {
        foreach (var draft in _texts.Values) draft.Dispose();
        _texts.Clear();
    }

    private DraftText Known(GeneratingSequence text)
    {
        if (!_texts.TryGetValue(text, out var draft)) _texts.Add(text, draft = new DraftText(model, text));
        return draft;
    }

    /// <summary>Reads what the model does not know of the texts, the shortest pieces first. Those for which the pass has no room leave the
    /// list.</summary>
    /// <returns>How many tokens that were.</returns>
    private int CatchUp(List<DraftText> writing)
    {
        var left = _passSize.Rows;
        var batch = new List<SequenceSlice>();
        writing.Sort((a, b) => a.Missing.CompareTo(b.Missing));
        foreach (var draft in writing)
        {
            if (left <= 0) break;
            var slice = draft.Read(left);
            batch.Add(slice);
            left -= slice.Tokens.Length;
        }
        writing.RemoveRange(batch.Count, writing.Count - batch.Count);
        var started = Stopwatch.GetTimestamp();
        model.Forward([.. batch]);
        var rows = batch.Sum(slice => slice.Tokens.Length);
        _passSize.Measured(rows, Stopwatch.GetElapsedTime(started).TotalSeconds);
        return rows;
    }

    private void Learn(double seconds) =>
        _stepSeconds = _stepSeconds == 0 ? seconds : _stepSeconds + (seconds < _stepSeconds ? 0.5 : 0.05) * (seconds - _stepSeconds);

    /// <summary>Whether a guess after those that a text has may bring more tokens a second than a pass without guesses.</summary>
    private bool IsWorth(DraftText draft, int texts, int rows, PassCost cost)
    {
        const int far = 8;
        if (!cost.Knows(rows)) return true;
        var alone = cost.Of(rows);
        var row = Math.Max(0, cost.Of(Math.Min(PassCost.MostRows, rows + far * texts)) - alone) / (far * texts);
        return draft.Chance > (_stepSeconds / texts + row) * rows / alone;
    }
}
