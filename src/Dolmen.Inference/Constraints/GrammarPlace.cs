namespace Dolmen.Inference.Constraints;

/// <summary>How far a text has come in a grammar: equal for all texts that may go on in the same ways.</summary>
internal sealed class GrammarPlace(GrammarMachine.Way[] ways, bool accepts, int shortest)
{
    private GrammarPlace?[]? _next;
    private readonly bool[] _isKnown = new bool[256];

    public IReadOnlyList<GrammarMachine.Way> Ways => ways;

    /// <summary>The text may end here.</summary>
    public bool Accepts => accepts;

    /// <summary>The text must end here.</summary>
    public bool IsLast => ways.Length == 0;

    /// <summary>The fewest bytes to where the text may end.</summary>
    public int ShortestToEnd => shortest;

    /// <summary>The tokens that may come, once they have been found.</summary>
    public TokenMask? Mask { get; set; }

    public GrammarPlace? Known(byte next, out bool isKnown)
    {
        isKnown = _isKnown[next];
        return isKnown ? _next![next] : null;
    }

    public void Remember(byte next, GrammarPlace? target)
    {
        (_next ??= new GrammarPlace?[256])[next] = target;
        _isKnown[next] = true;
    }
}
