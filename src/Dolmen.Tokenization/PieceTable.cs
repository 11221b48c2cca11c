using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dolmen.Tokenization;

/// <summary>A vocabulary's tokens by their bytes.</summary>
internal sealed class PieceTable
{
    private readonly byte[] _bytes;              // of all tokens, one behind the other
    private readonly Entry[] _entries;           // open addressing, linear probing, at most half full
    private readonly int _shift;

    private struct Entry
    {
        public uint Hash;
        public int Start, Length, Token;         // Length 0: free
    }

    /// <param name="tokens">Of every id; empty ones are left out.</param>
    /// <param name="leaveOut">Ids that are not found by their bytes.</param>
    public PieceTable(byte[][] tokens, IReadOnlySet<int> leaveOut)
    {
        var bits = 4;
        while (1 << bits < tokens.Length * 2) bits++;
        _shift = 64 - bits;
        _entries = new Entry[1 << bits];
        _bytes = new byte[tokens.Sum(token => token.Length)];
        var start = 0;
        for (var id = 0; id < tokens.Length; id++)
        {
            if (tokens[id].Length == 0 || leaveOut.Contains(id)) continue;
            tokens[id].CopyTo(_bytes, start);
            var hash = Hash(tokens[id]);
            ref var entry = ref Slot(tokens[id], hash);
            if (entry.Length == 0)
                (entry.Hash, entry.Start, entry.Length, entry.Token) = ((uint)hash, start, tokens[id].Length, id);
            start += tokens[id].Length;
        }
    }

    /// <summary>The token with these bytes, the one with the lowest id where several have them; −1 where none has.</summary>
    public int Find(ReadOnlySpan<byte> piece, ulong hash)
    {
        ref var entry = ref Slot(piece, hash);
        return entry.Length == 0 ? -1 : entry.Token;
    }

    public int Find(ReadOnlySpan<byte> piece) => Find(piece, Hash(piece));

    public static ulong Hash(ReadOnlySpan<byte> piece)
    {
        unchecked
        {
            const ulong mix = 0x9E3779B97F4A7C15;
            ref var first = ref MemoryMarshal.GetReference(piece);
            ulong hash;
            if (piece.Length is >= 4 and <= 8)
            {
                hash =
                    Unsafe.ReadUnaligned<uint>(ref first)
                    | (ulong)Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref first, piece.Length - 4)) << 32;
            }
            else if (piece.Length < 4)
            {
                hash = 0;
                foreach (var value in piece) hash = hash << 8 | value;
            }
            else
            {
                hash = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, piece.Length - 8));
                for (var at = 0; at + 8 < piece.Length; at += 8)
                {
                    hash = (hash ^ hash >> 29) * mix;
                    hash ^= Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, at));
                }
            }
            hash = (hash + (ulong)piece.Length) * mix;
            return (hash ^ hash >> 32) * 0xC4CEB9FE1A85EC53;
        }
    }

    private ref Entry Slot(ReadOnlySpan<byte> piece, ulong hash)
    {
        var at = (int)(hash >> _shift);
        while (true)
        {
            ref var entry = ref _entries[at];
            if (entry.Length == 0) return ref entry;
            if (entry.Hash == (uint)hash && entry.Length == piece.Length && piece.SequenceEqual(_bytes.AsSpan(entry.Start, entry.Length)))
                return ref entry;
            at = (at + 1) & (_entries.Length - 1);
        }
    }
}
