using Dolmen.Data.Deduplication;

namespace Dolmen.Data.Decontamination;

/// <summary>What a document shares with an item of an evaluation set.</summary>
/// <param name="Text">The first shared n-gram as the document spells it.</param>
/// <param name="Share">How many of the item's n-grams the document holds, in 0–1.</param>
internal readonly record struct Contamination(string ItemId, string Text, double Share);

/// <summary>Finds items of evaluation sets in documents by n-grams of normalised words. An item shorter than an n-gram is looked for whole.
/// Build it first, then it is
/// shared by all threads.</summary>
/// <param name="minShare">Hits below this share of the item's n-grams are not reported; 0 reports any shared n-gram.</param>
/// <param name="minWords">Shorter items ("Yes or no?") would be found everywhere: they are left out and counted.</param>
internal sealed class ContaminationIndex(int ngramWords = 13, double minShare = 0, int minWords = 6)
{
    private const ulong Factor = 0x9e3779b97f4a7c15UL;
    private const int FilterBits = 1 << 22;

    private readonly record struct Place(int Item, int Word, int Next);

    private readonly List<(string Id, ulong[] Words, int Grams)> _items = [];
    private readonly Dictionary<ulong, int> _heads = [];
    private readonly List<Place> _places = [];
    private readonly SortedSet<int> _lengths = [];
    private readonly ulong[] _filter = new ulong[FilterBits / 64];
    private readonly WordBuffer _building = new();

    public int Items => _items.Count;

    public int TooShort { get; private set; }

    public void Add(string id, string text)
    {
        NormalisedWords.Hash(text, _building, keepDigits: true);
        var words = _building.Hashes.ToArray();
        if (words.Length < minWords)
        {
            TooShort++;
            return;
        }
        var length = Math.Min(ngramWords, words.Length);
        var grams = words.Length - length + 1;
        _lengths.Add(length);
        _items.Add((id, words, grams));
        for (var i = 0; i < grams; i++)
        {
            var hash = HashOf(words.AsSpan(i, length));
            _places.Add(new(_items.Count - 1, i, _heads.GetValueOrDefault(hash, -1)));
            _heads[hash] = _places.Count - 1;
            _filter[hash % FilterBits / 64] |= 1UL << (int)(hash % 64);
        }
    }

    /// <summary>The items found in a text, those with the largest share first.</summary>
    /// <param name="words">A buffer of the calling thread.</param>
    public List<Contamination> Check(string text, WordBuffer words)
    {
        NormalisedWords.Hash(text, words, keepDigits: true);
        Dictionary<int, (HashSet<int> Grams, int Start, int End)>? found = null;
        foreach (var length in _lengths)
        {
            if (words.Count < length) break;
            var hashes = words.Hashes;
            ulong leaving = 1, rolled = 0;
            for (var i = 0; i < length; i++) leaving *= Factor;
            for (var i = 0; i < hashes.Length; i++)
            {
                rolled = (rolled * Factor) + hashes[i];
                if (i >= length) rolled -= hashes[i - length] * leaving;
                if (i < length - 1) continue;
                var hash = HashMixing.Mix(rolled);
                if ((_filter[hash % FilterBits / 64] >> (int)(hash % 64) & 1) == 0 || !_heads.TryGetValue(hash, out var at)) continue;
                var first = i - length + 1;
                for (; at >= 0; at = _places[at].Next)
                    Compare(_places[at], hashes.Slice(first, length), words.Starts[first], words.Ends[i], ref found);
            }
        }
        var hits = new List<Contamination>();
        if (found is null) return hits;
        foreach (var (item, (grams, start, end)) in found.OrderBy(f => f.Key))
        {
            var share = (double)grams.Count / _items[item].Grams;
            if (share >= minShare) hits.Add(new(_items[item].Id, text[start..end], share));
        }
        hits.Sort((a, b) => a.Share != b.Share ? b.Share.CompareTo(a.Share) : string.CompareOrdinal(a.ItemId, b.ItemId));
        return hits;
    }

    // The word hashes are compared too: a rolled hash that agrees by chance is not a hit.
    private void Compare(
        Place place,
        ReadOnlySpan<ulong> gram,
        int start,
        int end,
        ref Dictionary<int, (HashSet<int> Grams, int Start, int End)>? found
    )
    {
        var item = _items[place.Item].Words;
        if (place.Word + gram.Length > item.Length || !item.AsSpan(place.Word, gram.Length).SequenceEqual(gram)) return;
        found ??= [];
        if (!found.TryGetValue(place.Item, out var hit)) found[place.Item] = hit = ([], start, end);
        hit.Grams.Add(place.Word);
    }

    private static ulong HashOf(ReadOnlySpan<ulong> words)
    {
        ulong rolled = 0;
        foreach (var word in words) rolled = (rolled * Factor) + word;
        return HashMixing.Mix(rolled);
    }
}
