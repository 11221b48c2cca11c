namespace Dolmen.Inference;

/// <summary>What was learned of guessing a model's texts. It is the model's, so that a scheduler does not begin anew where another
/// ended.</summary>
internal sealed class GuessingHistory
{
    public PassCost Cost { get; } = new();

    /// <summary>How often prompt lookup is right. The longer a piece is that stands there twice, the likelier it goes on alike.</summary>
    public AcceptanceRates Lookup { get; } = new(null, level => Math.Min(0.1 * level, 0.9));

    /// <summary>How often draft models are right, by how sure they are.</summary>
    public AcceptanceRates Drafts { get; } = new(null, level => (level + 0.5) / AcceptanceRates.Levels);

    public GuessingTrial Trial { get; } = new();
}

/// <summary>Whether asking a draft model pays: a few passes with it are held against what they would have taken without. Where it does not
/// pay there is a pause, each longer than the one before.</summary>
internal sealed class GuessingTrial
{
    private const int Passes = 8, FirstPause = 64, LongestPause = 1 << 13;

    private double _gained;                                              // seconds
    private int _left = Passes, _rest, _pause = FirstPause;

    /// <summary>Whether this pass is one with guesses.</summary>
    public bool Goes()
    {
        if (_rest == 0) return true;
        _rest--;
        return false;
    }

    public void Count(double gainedSeconds)
    {
        _gained += gainedSeconds;
        if (--_left > 0) return;
        if (_gained < 0) Pause();
        else _pause = FirstPause;
        (_left, _gained) = (Passes, 0);
    }

    public void Pause() => (_rest, _pause) = (_pause, Math.Min(2 * _pause, LongestPause));
}
