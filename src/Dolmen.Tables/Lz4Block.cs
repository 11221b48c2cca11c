using System.Buffers.Binary;

namespace Dolmen.Tables;

/// <summary>The two ways in which Parquet stores LZ4: a block as it is (LZ4_RAW), and blocks with their lengths before them, as Hadoop
/// writes them (LZ4).</summary>
internal static class Lz4Block
{
    private const int MinMatch = 4, LengthBits = 15;

    /// <summary>Fills <paramref name="to"/> to its last byte; false when the block is damaged or holds another number of bytes.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> from, Span<byte> to) => TryDecode(from, to, out var written) && written == to.Length;

    /// <summary>Frames of Hadoop: the length of what follows once unfolded, then blocks, each after its stored length, until there is as
    /// much.</summary>
    public static bool TryDecodeHadoop(ReadOnlySpan<byte> from, Span<byte> to)
    {
        while (from.Length >= 8)
        {
            long open = BinaryPrimitives.ReadUInt32BigEndian(from);
            from = from[4..];
            if (open > to.Length) return false;
            while (open > 0)
            {
                if (from.Length < 4) return false;
                long stored = BinaryPrimitives.ReadUInt32BigEndian(from);
                if (stored == 0 || stored > from.Length - 4) return false;
                if (!TryDecode(from.Slice(4, (int)stored), to[..(int)open], out var written) || written == 0) return false;
                from = from[(4 + (int)stored)..];
                to = to[written..];
                open -= written;
            }
        }
        return from.Length == 0 && to.Length == 0;
    }

    private static bool TryDecode(ReadOnlySpan<byte> from, Span<byte> to, out int written)
    {
        written = 0;
        var at = 0;
        while (at < from.Length)
        {
            var token = from[at++];
            if (!TryLength(from, ref at, token >> 4, out var literals) || literals > from.Length - at || literals > to.Length - written)
                return false;
            from.Slice(at, literals).CopyTo(to[written..]);
            (at, written) = (at + literals, written + literals);
            if (at == from.Length) return true;                          // the last sequence has no match
            if (from.Length - at < 2) return false;
            int offset = BinaryPrimitives.ReadUInt16LittleEndian(from[at..]);
            at += 2;
            if (
                !TryLength(from, ref at, token & LengthBits, out var match)
                || offset == 0
                || offset > written
                || match > to.Length - written - MinMatch
            )
                return false;
            match += MinMatch;
            // A match may reach into what it writes itself, and then repeats it.
            for (var i = 0; i < match; i++, written++) to[written] = to[written - offset];
        }
        return written == 0 && to.Length == 0;
    }

    private static bool TryLength(ReadOnlySpan<byte> from, ref int at, int length, out int total)
    {
        total = length;
        if (length < LengthBits) return true;
        byte more;
        do
        {
            if (at == from.Length || total > int.MaxValue - 2 * byte.MaxValue) return false;
            total += more = from[at++];
        }
        while (more == byte.MaxValue);
        return true;
    }
}
