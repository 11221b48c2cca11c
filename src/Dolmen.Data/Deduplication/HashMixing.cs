using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dolmen.Data.Deduplication;

/// <summary>Integer mixing: every bit of the input changes every bit of the output with probability near 1/2.</summary>
internal static class HashMixing
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdUL;
        x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53UL;
        return x ^ (x >> 33);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Join(ulong state, ulong next) => Mix(BitOperations.RotateLeft(state, 23) ^ (next * 0x9e3779b97f4a7c15UL));

    /// <summary>64 bits of a text, eight bytes at a time.</summary>
    public static ulong HashOf(ReadOnlySpan<char> text)
    {
        var state = (ulong)text.Length;
        var words = MemoryMarshal.Cast<char, ulong>(text);
        foreach (var word in words) state = Join(state, word);
        foreach (var c in text[(words.Length * 4)..]) state = Join(state, c);
        return state;
    }

    /// <summary>The next number of a Weyl sequence, mixed.</summary>
    public static ulong Next(ref ulong state) => Mix(state += 0x9e3779b97f4a7c15UL);
}
