using System.Runtime.InteropServices;

namespace Dolmen.Tokenization;

/// <summary>How often each word occurs in each language. One thread's own.</summary>
internal sealed class WordTable
{
    /// <summary>Bytes a word takes here beside its own.</summary>
    private const int EntryBytes = 40;

    private record struct Entry(uint Hash, int Start, int Length, int Language, long Count);

    private readonly List<long> _languageBytes = [];
    private int[] _slots = new int[1 << 12];     // an entry's place and 1; 0 is free; at most half full
    private Entry[] _entries = new Entry[1 << 11];
    private byte[] _words = new byte[1 << 16];
    private int _wordsEnd;

    public int Count { get; private set; }

    /// <summary>What it takes, about.</summary>
    public long Size => _wordsEnd + (long)Count * EntryBytes;

    /// <summary>Bytes of the text that was counted, by language.</summary>
    public IReadOnlyList<long> LanguageBytes => _languageBytes;

    public ReadOnlySpan<byte> Word(int index) => _words.AsSpan(_entries[index].Start, _entries[index].Length);

    public int LanguageOf(int index) => _entries[index].Language;

    public long CountOf(int index) => _entries[index].Count;

    public void AddText(int bytes, int language)
    {
        while (_languageBytes.Count <= language) _languageBytes.Add(0);
        _languageBytes[language] += bytes;
    }

    public void Add(ReadOnlySpan<byte> word, int language, long times)
    {
        var hash = Hash(word, language);
        var slot = (int)(hash & (uint)(_slots.Length - 1));
        for (; _slots[slot] != 0; slot = (slot + 1) & (_slots.Length - 1))
        {
            ref var known = ref _entries[_slots[slot] - 1];
            if (known.Hash != hash || known.Language != language || !word.SequenceEqual(_words.AsSpan(known.Start, known.Length))) continue;
            known.Count += times;
            return;
        }
        if (Count == _entries.Length)
        {
            Grow();
            Add(word, language, times);
            return;
        }
        while (_words.Length - _wordsEnd < word.Length)
            Array.Resize(ref _words, (int)Math.Min(Array.MaxLength, Math.Max(2L * _words.Length, _words.Length + (long)word.Length)));
        word.CopyTo(_words.AsSpan(_wordsEnd));
        _entries[Count++] = new Entry(hash, _wordsEnd, word.Length, language, times);
        _slots[slot] = Count;
        _wordsEnd += word.Length;
    }

    public void Add(WordTable other)
    {
        for (var i = 0; i < other.Count; i++) Add(other.Word(i), other.LanguageOf(i), other.CountOf(i));
    }

    /// <summary>Places of the entries by the bytes of their words, then by language.</summary>
    public int[] Sorted()
    {
        var order = new int[Count];
        for (var i = 0; i < order.Length; i++) order[i] = i;
        Array.Sort(order, (a, b) => Word(a).SequenceCompareTo(Word(b)) is var byBytes and not 0
            ? byBytes : LanguageOf(a).CompareTo(LanguageOf(b)));
        return order;
    }

    /// <summary>Forgets the words, not how much text there was.</summary>
    public void Clear()
    {
        Array.Clear(_slots);
        (Count, _wordsEnd) = (0, 0);
    }

    private void Grow()
    {
        Array.Resize(ref _entries, _entries.Length * 2);
        _slots = new int[_slots.Length * 2];
        for (var i = 0; i < Count; i++)
        {
            var slot = (int)(_entries[i].Hash & (uint)(_slots.Length - 1));
            while (_slots[slot] != 0) slot = (slot + 1) & (_slots.Length - 1);
            _slots[slot] = i + 1;
        }
    }

    private static uint Hash(ReadOnlySpan<byte> word, int language)
    {
        unchecked
        {
            var hash = (ulong)(word.Length + language * 31) * 0x9E3779B97F4A7C15;
            while (word.Length >= 8)
            {
                hash = (hash ^ MemoryMarshal.Read<ulong>(word)) * 0xFF51AFD7ED558CCD;
                hash ^= hash >> 32;
                word = word[8..];
            }
            var rest = 0UL;
            foreach (var value in word) rest = rest << 8 | value;
            hash = (hash ^ rest) * 0xC4CEB9FE1A85EC53;
            return (uint)(hash >> 32);
        }
    }
}
