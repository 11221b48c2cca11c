namespace Dolmen.Inference;

/// <summary>Finds in a text what followed its last tokens when they stood there before: the longest such piece, the latest of equally long
/// ones. As in LZ77 coders, places that end alike are chained; the latest few are looked at.</summary>
/// <param name="minMatch">Tokens that must be the same.</param>
internal sealed class PromptLookup(int minMatch)
{
    public const int LongestMatch = AcceptanceRates.Levels;

    private const int Looked = 16, Heads = 1 << 12;

    private readonly int[] _latest = new int[Heads];                     // the last place that ends so, from 1
    private readonly List<int> _earlier = [0];                           // for each place the one before that ends so

    /// <summary>Appends at most <paramref name="most"/> guesses. The text is the one of the last call with more tokens.</summary>
    public void Guess(ReadOnlySpan<int> tokens, int most, List<Draft> drafts)
    {
        // The end itself is not a place to find.
        for (var place = _earlier.Count; place < tokens.Length; place++)
        {
            var head = Head(tokens[..place]);
            _earlier.Add(head < 0 ? 0 : _latest[head]);
            if (head >= 0) _latest[head] = place;
        }
        if (tokens.Length <= minMatch) return;
        var (best, length) = (0, minMatch - 1);
        var at = _latest[Head(tokens)];
        for (var looked = 0; at > 0 && looked < Looked && length < LongestMatch; looked++, at = _earlier[at])
        {
            var match = 0;
            while (match < LongestMatch && match < at && tokens[at - 1 - match] == tokens[^(1 + match)]) match++;
            if (match > length) (best, length) = (at, match);
        }
        if (best == 0) return;
        for (var i = 0; i < most; i++)
        {
            // A piece that repeats itself reaches past the end of the text.
            var token = best + i < tokens.Length ? tokens[best + i] : drafts[best + i - tokens.Length].Token;
            drafts.Add(new Draft(token, Math.Min(length + i, AcceptanceRates.Levels - 1)));
        }
    }

    /// <summary>Where places that end like this one are found; negative where it is too short.</summary>
    private int Head(ReadOnlySpan<int> tokens)
    {
        if (tokens.Length < minMatch) return -1;
        var hash = 0u;
        for (var i = tokens.Length - Math.Min(minMatch, 3); i < tokens.Length; i++) hash = (hash ^ (uint)tokens[i]) * 0x9E3779B1;
        return (int)(hash >> 20);
    }
}

/// <summary>Prompt lookup for all texts of a scheduler.</summary>
internal sealed class LookupSource(Speculation settings, AcceptanceRates rates) : IDraftSource
{
    public long StateBytes => 0;

    public AcceptanceRates Rates => rates;

    public void Guess(IReadOnlyList<GeneratingSequence> texts, int rows, PassCost cost)
    {
        foreach (var text in texts)
        {
            text.Lookup ??= new PromptLookup(settings.MinMatch);
            text.Lookup.Guess(text.Tokens, text.DraftRoom(settings.MaxDrafts), text.Drafts);
        }
    }

    public void Measured(int written, int accepted, double seconds, double alone) { }

    public void Forget(bool all) { }

    public void Dispose() { }
}
