namespace Dolmen.Inference;

/// <summary>A token guessed to come next.</summary>
/// <param name="Level">How sure its source was, below <see cref="AcceptanceRates.Levels"/>.</param>
internal readonly record struct Draft(int Token, int Level);

/// <summary>Where guesses come from.</summary>
internal interface IDraftSource : IDisposable
{
    /// <summary>Memory of its states.</summary>
    long StateBytes { get; }

    /// <summary>How often its guesses are right.</summary>
    AcceptanceRates Rates { get; }

    /// <summary>Appends guesses to each text's <see cref="GeneratingSequence.Drafts"/>.</summary>
    /// <param name="rows">Of the pass without guesses.</param>
    /// <param name="cost">What passes of the model take.</param>
    void Guess(IReadOnlyList<GeneratingSequence> texts, int rows, PassCost cost);

    /// <summary>Learns what came of guesses.</summary>
    /// <param name="written">Tokens that the pass would have given without them.</param>
    /// <param name="accepted">Tokens that it gave besides.</param>
    /// <param name="seconds">What it took, without the guessing.</param>
    /// <param name="alone">What it would have taken without guesses.</param>
    void Measured(int written, int accepted, double seconds, double alone);

    /// <summary>Gives back what it remembers of texts, of all or of those that have ended.</summary>
    void Forget(bool all);
}

/// <summary>How often guesses of each level were right of late; what is known of all texts stands for a text that has few guesses behind
/// it.</summary>
/// <param name="all">That of all texts; null where this is it.</param>
/// <param name="first">How often a guess is right, before anything is known of it.</param>
internal sealed class AcceptanceRates(AcceptanceRates? all, Func<int, double>? first = null)
{
    public const int Levels = 16;

    private const double Memory = 0.97, Prior = 4;

    private readonly double[] _tried = new double[Levels], _right = new double[Levels];

    public double this[int level] =>
        (_right[level] + Prior * (all?[level] ?? first!(level))) / (_tried[level] + Prior);

    public void Count(int level, bool right)
    {
        _tried[level] = _tried[level] * Memory + 1;
        _right[level] = _right[level] * Memory + (right ? 1 : 0);
    }
}
