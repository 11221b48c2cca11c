using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dolmen.Data.Filters;

/// <summary>A 64-bit hash of UTF-16 text by folded 128-bit products: the same on every machine and in every run, since duplicates are found
/// by it.</summary>
internal static class TextHash
{
    private const ulong First = 0x9E3779B97F4A7C15, Second = 0xC2B2AE3D27D4EB4F, Third = 0x165667B19E3779F9;

    /// <summary>Characters that one fold takes.</summary>
    private const int Block = 8;

    private static ReadOnlySpan<ulong> HeadMasks =>
        [0, 0xFFFF, 0xFFFF_FFFF, 0xFFFF_FFFF_FFFF, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue];

    private static ReadOnlySpan<ulong> TailMasks => [0, 0, 0, 0, 0, 0xFFFF, 0xFFFF_FFFF, 0xFFFF_FFFF_FFFF, ulong.MaxValue];

    public static ulong Of(ReadOnlySpan<char> text)
    {
        if (text.Length >= Block) return Long(ref MemoryMarshal.GetReference(text), text.Length);
        Span<char> padded = stackalloc char[Block];
        padded.Clear();
        text.CopyTo(padded);
        return Masked(ref MemoryMarshal.GetReference(padded), text.Length);
    }

    /// <summary>The same of a part of a text, without a branch on how long a short word is: reads past the word's end, inside the
    /// text.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong OfPart(ReadOnlySpan<char> text, int start, int length) =>
        length <= Block && start + Block <= text.Length
            ? Masked(ref Unsafe.Add(ref MemoryMarshal.GetReference(text), start), length)
            : Of(text.Slice(start, length));

    /// <summary>Hash of a sequence that grows by one element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Append(ulong sequence, ulong element) => Fold(sequence ^ First, element ^ Second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Masked(ref char text, int length)
    {
        ref var bytes = ref Unsafe.As<char, byte>(ref text);
        return Last(Read(ref bytes, 0) & HeadMasks[length], Read(ref bytes, 8) & TailMasks[length], Third, length);
    }

    private static ulong Long(ref char text, int length)
    {
        ref var bytes = ref Unsafe.As<char, byte>(ref text);
        var size = (nuint)length * 2;
        var state = Third;
        for (nuint done = 0; done + 16 < size; done += 16) state = Fold(Read(ref bytes, done) ^ First, Read(ref bytes, done + 8) ^ state);
        return Last(Read(ref bytes, size - 16), Read(ref bytes, size - 8), state, length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Last(ulong head, ulong tail, ulong state, int length) =>
        Fold(head ^ First, tail ^ state ^ ((ulong)length * Second));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Read(ref byte bytes, nuint at) => Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref bytes, at));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Fold(ulong left, ulong right)
    {
        var high = Math.BigMul(left, right, out var low);
        return high ^ low;
    }
}
