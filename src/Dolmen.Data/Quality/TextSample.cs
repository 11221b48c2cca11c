using Dolmen.Artifacts;

namespace Dolmen.Data.Quality;

/// <summary>Distinct texts within a budget of characters: those of the smallest hashes, so that neither the order in which they come nor
/// the file they stand in decides which.</summary>
internal sealed class TextSample(ulong seed, int maxChars, long budget)
{
    private readonly Dictionary<ulong, string> _texts = [];
    private readonly SortedSet<ulong> _order = [];
    private readonly ulong _salt = new StableRandom(seed).NextUInt64();
    private ulong _limit = ulong.MaxValue;
    private long _chars;

    /// <summary>All that came, with duplicates.</summary>
    public long Seen { get; private set; }

    /// <summary>Texts of which only the beginning was taken.</summary>
    public long Cut { get; private set; }

    public int Count => _texts.Count;

    /// <summary>The texts in the order of their hashes, which is random and stable.</summary>
    public IEnumerable<string> Texts => _order.Select(key => _texts[key]);

    public void Add(string text)
    {
        Seen++;
        if (text.Length > maxChars)
        {
            Cut++;
            text = text[..maxChars];
        }
        var key = new StableRandom(StableHash.Of(text) ^ _salt).NextUInt64();
        // Once one had to go, all beyond it go, or a later small one would take its place in one order and not in another.
        if (key >= _limit || !_texts.TryAdd(key, text)) return;
        _order.Add(key);
        _chars += text.Length;
        while (_chars > budget && _order.Count > 1)
        {
            _limit = _order.Max;
            Remove(_limit);
        }
    }

    /// <summary>What both hold says nothing about either.</summary>
    /// <returns>How many were taken out of both.</returns>
    public int RemoveShared(TextSample other)
    {
        var shared = _order.Where(other._texts.ContainsKey).ToList();
        foreach (var key in shared)
        {
            Remove(key);
            other.Remove(key);
        }
        return shared.Count;
    }

    private void Remove(ulong key)
    {
        if (!_texts.Remove(key, out var text)) return;
        _order.Remove(key);
        _chars -= text.Length;
    }
}
