using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dolmen.Data.Filters;

/// <summary>A 64-bit hash of UTF-16 text by folded 128-bit products: the same on every machine and in every run, since duplicates are found by it.</summary>
internal static class TextHash
{
    private const ulong First = 0x9E3779B97F4A7C15, Second = 0xC2B2AE3D27D4EB4F, Third = 0x165667B19E3779F9;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of(ReadOnlySpan<char> text) => Of(ref MemoryMarshal.GetReference(text), text.Length);

    public static ulong Of(ref char text, int length)
    {
        ref var bytes = ref Unsafe.As<char, byte>(ref text);
        var size = (nuint)length * 2;
        var state = Third;
        ulong head, tail;
        if (size >= 8)
        {
            nuint done = 0;
            for (; done + 16 < size; done += 16) state = Fold(Read(ref bytes, done) ^ First, Read(ref bytes, done + 8) ^ state);
            head = size - done >= 8 ? Read(ref bytes, done) : 0;
            tail = Read(ref bytes, size - 8);
        }
        else if (size >= 4)
        {
            head = Unsafe.ReadUnaligned<uint>(ref bytes);
            tail = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref bytes, size - 4));
        }
        else
        {
            head = length == 1 ? text : 0ul;
            tail = 0;
        }
        return Fold(head ^ First, tail ^ state ^ ((ulong)length * Second));
    }

    /// <summary>Hash of a sequence that grows by one element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Append(ulong sequence, ulong element) => Fold(sequence ^ First, element ^ Second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Read(ref byte bytes, nuint at) => Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref bytes, at));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Fold(ulong left, ulong right)
    {
        var high = Math.BigMul(left, right, out var low);
        return high ^ low;
    }
}
