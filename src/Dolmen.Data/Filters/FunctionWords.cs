namespace Dolmen.Data.Filters;

/// <summary>A language's stop words, found by hash and by the characters they begin with.</summary>
internal sealed class FunctionWords
{
    private readonly string[] _words;
    private readonly string _beginnings;
    private readonly ulong[] _slots;

    public FunctionWords(IEnumerable<string> words)
    {
        // Longest first, so that the first that matches is the longest.
        _words = [.. words.OrderByDescending(word => word.Length).ThenBy(word => word, StringComparer.Ordinal)];
        _beginnings = new(_words.Select(word => word[0]).Distinct().ToArray());
        _slots = new ulong[256];
        foreach (var word in _words)
        {
            var hash = TextHash.Of(word);
            var slot = (int)(hash & 255);
            while (_slots[slot] != 0) slot = (slot + 1) & 255;
            _slots[slot] = hash;
        }
    }

    public int Count => _words.Length;

    public bool Contains(in Word word)
    {
        for (var slot = (int)(word.Hash & 255); _slots[slot] != 0; slot = (slot + 1) & 255)
        {
            if (_slots[slot] == word.Hash) return true;
        }
        return false;
    }

    public bool IsWord(ReadOnlySpan<char> text) => LengthAt(text) == text.Length;

    /// <summary>Length of the longest one that the text begins with, 0 if it begins with none.</summary>
    public int LengthAt(ReadOnlySpan<char> text)
    {
        if (!_beginnings.Contains(text[0])) return 0;
        foreach (var word in _words)
        {
            if (text.StartsWith(word, StringComparison.Ordinal)) return word.Length;
        }
        return 0;
    }
}
