using System.Runtime.CompilerServices;

namespace Dolmen.Tokenization;

/// <summary>
/// Recent words with their tokens: text repeats its words, merging them anew is the cost of encoding. A fixed number of slots of one
/// cache line, where a newer word replaces an older one; nothing is allocated. For one thread at a time.
/// </summary>
internal sealed class WordCache
{
    public const int LongestWord = 28;
    public const int MostTokens = 7;

    private const int SlotBits = 15;

    private readonly Slot[] _slots = new Slot[1 << SlotBits];

    private struct Slot
    {
        public uint Hash;
        public byte Length, Count;
        public WordBytes Word;
        public WordTokens Tokens;
    }

    [InlineArray(LongestWord)]
    private struct WordBytes
    {
        private byte _first;
    }

    [InlineArray(MostTokens)]
    private struct WordTokens
    {
        private int _first;
    }

    /// <summary>Empty where the word is not here.</summary>
    public ReadOnlySpan<int> Find(ReadOnlySpan<byte> word, ulong hash)
    {
        ref var slot = ref _slots[hash >> (64 - SlotBits)];
        return slot.Hash == (uint)hash && slot.Length == word.Length && word.SequenceEqual(((ReadOnlySpan<byte>)slot.Word)[..word.Length])
            ? ((ReadOnlySpan<int>)slot.Tokens)[..slot.Count] : [];
    }

    public void Add(ReadOnlySpan<byte> word, ulong hash, ReadOnlySpan<int> tokens)
    {
        if (word.Length > LongestWord || tokens.Length > MostTokens) return;
        ref var slot = ref _slots[hash >> (64 - SlotBits)];
        (slot.Hash, slot.Length, slot.Count) = ((uint)hash, (byte)word.Length, (byte)tokens.Length);
        word.CopyTo(slot.Word);
        tokens.CopyTo(slot.Tokens);
    }
}
