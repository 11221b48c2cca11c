using Dolmen.Artifacts;

namespace Dolmen.Checkpoints;

/// <summary>What happens to parts of a model folder that Dolmen does not need: they are named once and left, or refused.</summary>
/// <param name="strict">Refuses what is not needed.</param>
/// <param name="say">Gets each sentence once.</param>
public sealed class ModelReading(bool strict, Action<string> say)
{
    private static readonly AsyncLocal<ModelReading?> Ambient = new();

    private readonly HashSet<string> _said = new(StringComparer.Ordinal);

    /// <summary>How models are read by the code that runs now and what it starts; says nothing unless set.</summary>
    public static ModelReading Current
    {
        get => Ambient.Value ?? new ModelReading(strict: false, _ => { });
        set => Ambient.Value = value;
    }

    /// <param name="what">A sentence without its full stop.</param>
    /// <param name="then">What happens otherwise, a sentence without its full stop.</param>
    /// <exception cref="UserErrorException">Reading is strict.</exception>
    internal void LeaveOut(string what, string then)
    {
        if (strict) throw new UserErrorException($"{what}. With --strict that is refused: leave --strict out to go on without them.");
        lock (_said) if (!_said.Add(what)) return;
        say($"{what}. {then}; --strict refuses instead.");
    }
}
