using System.Runtime.InteropServices;

namespace Dolmen.Numerics;

/// <summary>Working memory of one thread, handed out in pieces that start on cache lines: a vector that straddles two costs
/// twice.</summary>
internal unsafe ref struct AlignedFloats(long capacity) : IDisposable
{
    private const int Line = 64;

    private readonly float* _start = (float*)NativeMemory.AlignedAlloc((nuint)capacity * sizeof(float), Line);
    private long _taken;

    /// <summary>Not cleared. Counts that are not a multiple of a line leave the next piece unaligned.</summary>
    public float* Take(long count)
    {
        _taken += count;
        if (_taken > capacity)
            throw new InvalidOperationException($"A kernel takes {_taken} floats of working memory where it has asked for {capacity}.");
        return _start + _taken - count;
    }

    public readonly void Dispose() => NativeMemory.AlignedFree(_start);
}
