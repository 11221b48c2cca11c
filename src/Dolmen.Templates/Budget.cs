using System.Runtime.CompilerServices;

namespace Dolmen.Templates;

/// <summary>Counts what rendering costs, so that no template runs on, fills the memory or overflows the stack. The limits are far above
/// what any template in use needs: the largest take some 100 000 steps for a hundred messages.</summary>
internal sealed class Budget
{
    public const int MostSteps = 3_000_000;

    /// <summary>Characters of all strings that are made on the way.</summary>
    public const long MostCharacters = 256 << 20;

    public const int LongestString = 32 << 20;
    public const int Deepest = 400;

    /// <summary>Where steps say too little: a single one may walk through a string of the longest kind.</summary>
    public const int MostSeconds = 30;

    private readonly long _begin = Environment.TickCount64;
    private long _steps, _characters;
    private int _depth;

    public void Step(long count = 1)
    {
        if ((_steps += count) > MostSteps)
            throw new TemplateException($"it takes more than {MostSteps} steps: a loop runs on, or it is too costly to use");
        if (Environment.TickCount64 - _begin > MostSeconds * 1000)
            throw new TemplateException($"it takes more than {MostSeconds} seconds, too long for any conversation");
    }

    /// <summary>Charges for a string of that length; called before it is made.</summary>
    public void Make(long characters)
    {
        if (characters > LongestString)
            throw new TemplateException($"it makes a string of more than {LongestString} characters, more than any conversation needs");
        if ((_characters += characters) > MostCharacters)
            throw new TemplateException($"it makes strings of more than {MostCharacters} characters together, too many to go on");
        Step(1 + characters / 256);
    }

    /// <summary>Charges for searching one text for another; called before it is done.</summary>
    public void Search(long length, long pattern) => Step(1 + length / 256 + length * Math.Min(pattern, length) / 16384);

    public void Enter()
    {
        if (++_depth > Deepest || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new TemplateException($"it nests more than {Deepest} levels deep: a macro that calls itself, or values within values");
    }

    public void Leave() => _depth--;
}
