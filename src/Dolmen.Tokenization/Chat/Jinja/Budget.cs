using System.Runtime.CompilerServices;

namespace Dolmen.Tokenization.Jinja;

/// <summary>Counts what rendering costs, so that no template runs on, fills the memory or overflows the stack. The limits are far above
/// what any template in use needs: the largest take some 100 000 steps for a hundred messages.</summary>
internal sealed class Budget
{
    public const int MostSteps = 2_000_000;

    /// <summary>Characters of all strings that are made on the way.</summary>
    public const long MostCharacters = 128 << 20;

    public const int LongestString = 32 << 20;
    public const int Deepest = 400;

    private long _steps, _characters;
    private int _depth;

    public void Step(long count = 1)
    {
        if ((_steps += count) > MostSteps)
            throw new TemplateException($"it takes more than {MostSteps} steps: a loop runs on, or it is too costly to use");
    }

    /// <summary>Before a string of that length is made.</summary>
    public void Make(long characters)
    {
        if (characters > LongestString)
            throw new TemplateException($"it makes a string of more than {LongestString} characters, more than any conversation needs");
        if ((_characters += characters) > MostCharacters)
            throw new TemplateException($"it makes strings of more than {MostCharacters} characters together, too many to go on");
        Step(1 + characters / 64);
    }

    /// <summary>Before one text is searched for another.</summary>
    public void Search(long length, long pattern) => Step(1 + length / 64 + length * Math.Min(pattern, length) / 65536);

    public void Enter()
    {
        if (++_depth > Deepest || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new TemplateException($"it nests more than {Deepest} levels deep: a macro that calls itself, or values within values");
    }

    public void Leave() => _depth--;
}
