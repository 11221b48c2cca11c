using System.Runtime.InteropServices;

namespace Dolmen.Numerics;

/// <summary>Zeroed memory outside the collected heap, aligned to a cache line; more than 2 GB if need be.</summary>
internal sealed unsafe class NativeBuffer : SafeHandle
{
    private const int Alignment = 64;

    private readonly WeightMemory.Chunk? _chunk;

    public NativeBuffer(long bytes) : base(0, ownsHandle: true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        // calloc hands out untouched zero pages: a long context costs memory only as it fills.
        SetHandle((nint)NativeMemory.AllocZeroed((nuint)(bytes + Alignment)));
        Bytes = bytes;
    }

    /// <summary>A part of a chunk, see <see cref="WeightMemory.Take"/>.</summary>
    internal NativeBuffer(WeightMemory.Chunk chunk, long at, long bytes) : base(0, ownsHandle: true)
    {
        (_chunk, Bytes) = (chunk, bytes);
        SetHandle((nint)(chunk.Start + at));
    }

    public static NativeBuffer OfFloats(long count) => new(checked(count * sizeof(float)));

    public long Bytes { get; }

    public override bool IsInvalid => handle == 0;

    public byte* Pointer => (byte*)((handle + Alignment - 1) / Alignment * Alignment);

    public float* Floats => (float*)Pointer;

    protected override bool ReleaseHandle()
    {
        if (_chunk is not null) WeightMemory.Return(_chunk);
        else NativeMemory.Free((void*)handle);
        return true;
    }
}
