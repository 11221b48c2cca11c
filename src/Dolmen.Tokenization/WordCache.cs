using System.Runtime.InteropServices;

namespace Dolmen.Tokenization;

/// <summary>
/// Recent words with their tokens: text repeats its words, merging them anew is the cost of encoding. A fixed number of slots, each
/// one immutable entry that a newer word replaces; readers on any thread see the old or the new entry, so there is no lock.
/// </summary>
internal sealed class WordCache
{
    public const int LongestWord = 32;

    private const int SlotBits = 15;

    private sealed record Entry(byte[] Word, int[] Tokens);

    private readonly Entry?[] _slots = new Entry?[1 << SlotBits];

    public int[]? Find(ReadOnlySpan<byte> word)
    {
        var entry = Volatile.Read(ref _slots[Slot(word)]);
        return entry is not null && word.SequenceEqual(entry.Word) ? entry.Tokens : null;
    }

    public void Add(ReadOnlySpan<byte> word, int[] tokens) => Volatile.Write(ref _slots[Slot(word)], new Entry(word.ToArray(), tokens));

    private static int Slot(ReadOnlySpan<byte> word)
    {
        unchecked
        {
            var hash = (ulong)word.Length * 0x9E3779B97F4A7C15;
            while (word.Length >= 8)
            {
                hash = (hash ^ MemoryMarshal.Read<ulong>(word)) * 0xFF51AFD7ED558CCD;
                hash ^= hash >> 32;
                word = word[8..];
            }
            var rest = 0UL;
            foreach (var value in word) rest = rest << 8 | value;
            return (int)((hash ^ rest) * 0xC4CEB9FE1A85EC53 >> (64 - SlotBits));
        }
    }
}
