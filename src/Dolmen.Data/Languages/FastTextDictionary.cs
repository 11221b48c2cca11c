using System.Numerics;

namespace Dolmen.Data.Languages;

/// <summary>What a text is to a fastText model: the rows of the input matrix for its words, their character n-grams and word
/// n-grams.</summary>
internal sealed class FastTextDictionary
{
    private const uint HashStart = 2166136261;
    private const uint HashFactor = 16777619;
    private readonly int _minn, _maxn, _wordNgrams, _words;
    private readonly uint _buckets;
    private readonly byte[][] _entries;
    private readonly int[] _slots;
    // Pairs of bucket (upper half) and row (lower half), open addressing; null when nothing was pruned.
    private readonly long[]? _pruned;

    public string[] Labels { get; }
    public long[] LabelCounts { get; }
    /// <summary>Rows that the input matrix must have.</summary>
    public long Rows { get; }

    public FastTextDictionary(FastTextReader reader, int wordNgrams, int buckets, int minn, int maxn)
    {
        (_minn, _maxn, _wordNgrams, _buckets) = (Math.Max(1, minn), maxn, wordNgrams, (uint)buckets);
        var size = reader.Int("the size of the dictionary", 1, 1 << 27);
        _words = reader.Int("the number of words", 0, size);
        var labels = reader.Int("the number of labels", 1, size);
        if (_words + labels != size)
            throw reader.Broken($"the dictionary has {size} entries, which must be {_words} words and {labels} labels");
        reader.Long("the number of tokens");
        var pruned = reader.Long("the number of kept n-grams", -1, buckets);
        reader.Demand(size * 10L, "the entries of the dictionary");

        _entries = new byte[size][];
        Labels = new string[labels];
        LabelCounts = new long[labels];
        _slots = new int[(int)BitOperations.RoundUpToPowerOf2((uint)size * 2)];
        long total = 0;
        for (var i = 0; i < size; i++)
        {
            _entries[i] = reader.Word($"entry {i} of the dictionary");
            var count = reader.Long($"the count of entry {i}", 0, LabelTree.Unbuilt);
            var type = reader.Byte($"the type of entry {i}");
            if (type != (i < _words ? 0 : 1))
                throw reader.Broken($"entry {i} of the dictionary has type {type}: words (0) must come first, then labels (1)");
            if (type == 1)
            {
                Labels[i - _words] = System.Text.Encoding.UTF8.GetString(
                    _entries[i].AsSpan(_entries[i].AsSpan().StartsWith("__label__"u8) ? 9 : 0)
                );
                LabelCounts[i - _words] = count;
                if ((total += count) >= LabelTree.Unbuilt)
                    throw reader.Broken($"the counts of its labels add up to more than {LabelTree.Unbuilt}");
            }
            var slot = Slot(_entries[i], Hash(_entries[i]));
            _slots[slot] = i + 1;
        }
        _pruned = pruned < 0 ? null : ReadPruned(reader, (int)pruned);
        Rows = _words + (pruned < 0 ? buckets : pruned);
    }

    /// <summary>Rows of a line of UTF-8 text, line breaks counting as spaces, closed by the end-of-line token.</summary>
    public void Add(ReadOnlySpan<byte> text, ref FastTextRows rows)
    {
        while (true)
        {
            var start = 0;
            while (start < text.Length && IsSpace(text[start])) start++;
            if (start == text.Length) break;
            var end = start + 1;
            while (end < text.Length && !IsSpace(text[end])) end++;
            var word = text[start..end];
            // fastText takes a text to end here; a document that speaks of strikethrough does not.
            if (!word.SequenceEqual("</s>"u8)) AddToken(word, ref rows);
            text = text[end..];
        }
        AddToken("</s>"u8, ref rows);
        AddWordNgrams(ref rows);
    }

    private void AddToken(ReadOnlySpan<byte> word, ref FastTextRows rows)
    {
        var hash = Hash(word);
        var id = _slots[Slot(word, hash)] - 1;
        if (id >= _words || (id < 0 && word.StartsWith("__label__"u8))) return;
        if (id >= 0) rows.Add(id);
        if (_wordNgrams > 1) rows.AddHash((int)hash);
        if (_maxn > 0 && !word.SequenceEqual("</s>"u8)) AddCharacterNgrams(word, ref rows);
    }

    /// <summary>All n-grams of <c>&lt;word&gt;</c>; a lone bracket is none.</summary>
    private void AddCharacterNgrams(ReadOnlySpan<byte> word, ref FastTextRows rows)
    {
        AddFrom(word, Step(HashStart, (byte)'<'), 1, ref rows);
        for (var start = 0; start < word.Length; start++)
            if ((word[start] & 0xC0) != 0x80) AddFrom(word[start..], HashStart, 0, ref rows);
    }

    private void AddFrom(ReadOnlySpan<byte> rest, uint hash, int length, ref FastTextRows rows)
    {
        var at = 0;
        while (length < _maxn && at < rest.Length)
        {
            hash = Step(hash, rest[at++]);
            while (at < rest.Length && (rest[at] & 0xC0) == 0x80) hash = Step(hash, rest[at++]);
            if (++length >= _minn) AddBucket(hash % _buckets, ref rows);
        }
        // The closing bracket after at least one character.
        if (length < _maxn && ++length >= _minn) AddBucket(Step(hash, (byte)'>') % _buckets, ref rows);
    }

    private void AddWordNgrams(ref FastTextRows rows)
    {
        var hashes = rows.Hashes;
        for (var i = 0; i < hashes.Length; i++)
        {
            var hash = (ulong)(long)hashes[i];
            for (var j = i + 1; j < hashes.Length && j < i + _wordNgrams; j++)
            {
                hash = unchecked(hash * 116049371 + (ulong)(long)hashes[j]);
                AddBucket((uint)(hash % _buckets), ref rows);
            }
        }
    }

    private void AddBucket(uint bucket, ref FastTextRows rows)
    {
        if (_pruned is null)
        {
            rows.Add(_words + (int)bucket);
            return;
        }
        var mask = _pruned.Length - 1;
        for (var slot = Scatter(bucket) & mask; _pruned[slot] != -1; slot = (slot + 1) & mask)
        {
            if ((uint)(_pruned[slot] >> 32) != bucket) continue;
            rows.Add(_words + (int)_pruned[slot]);
            return;
        }
    }

    private static long[] ReadPruned(FastTextReader reader, int count)
    {
        reader.Demand(count * 8L, "the kept n-grams");
        var table = new long[(int)BitOperations.RoundUpToPowerOf2((uint)count * 4 + 1)];
        Array.Fill(table, -1);
        for (var i = 0; i < count; i++)
        {
            var bucket = reader.Int($"kept n-gram {i}", 0, int.MaxValue);
            var row = reader.Int($"the row of kept n-gram {i}", 0, count - 1);
            var slot = Scatter((uint)bucket) & (table.Length - 1);
            while (table[slot] != -1)
            {
                if ((int)(table[slot] >> 32) == bucket) throw reader.Broken($"kept n-gram {i} is bucket {bucket} for the second time");
                slot = (slot + 1) & (table.Length - 1);
            }
            table[slot] = ((long)bucket << 32) | (uint)row;
        }
        return table;
    }

    private static int Scatter(uint bucket) => (int)(unchecked(bucket * 0x9E3779B1u) >> 8);

    private int Slot(ReadOnlySpan<byte> word, uint hash)
    {
        var mask = (uint)_slots.Length - 1;
        for (var slot = hash & mask; ; slot = (slot + 1) & mask)
            if (_slots[slot] == 0 || word.SequenceEqual(_entries[_slots[slot] - 1])) return (int)slot;
    }

    private static uint Hash(ReadOnlySpan<byte> word)
    {
        var hash = HashStart;
        foreach (var next in word) hash = Step(hash, next);
        return hash;
    }

    // fastText hashes signed bytes: those from 0x80 up fill the upper bits with ones.
    private static uint Step(uint hash, byte next) => unchecked((hash ^ (uint)(sbyte)next) * HashFactor);

    private static bool IsSpace(byte next) => next is 0x20 or (>= 9 and <= 13) or 0;
}
