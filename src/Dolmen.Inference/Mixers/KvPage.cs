using System.Runtime.InteropServices;

namespace Dolmen.Inference.Mixers;

/// <summary>Keys and values of <see cref="Positions"/> tokens of one layer. Sequences that share a beginning share its pages; who writes to
/// a shared page takes a copy first.</summary>
/// <remarks>A handle, so that a state which nobody disposed of gives its pages back too.</remarks>
internal sealed unsafe class KvPage : SafeHandle
{
    /// <summary>A whole number of <see cref="Kernels.Attention.Block"/>s.</summary>
    public const int Positions = 64;

    private readonly StateMemory _memory;
    private int _users = 1;

    public KvPage(long bytes, StateMemory memory) : base(0, ownsHandle: true)
    {
        (Bytes, _memory) = (bytes, memory);
        SetHandle(memory.Rent(bytes));
    }

    public override bool IsInvalid => handle == 0;

    public byte* Pointer => (byte*)handle;

    public long Bytes { get; }

    public bool IsShared => Volatile.Read(ref _users) > 1;

    public KvPage Share()
    {
        Interlocked.Increment(ref _users);
        return this;
    }

    public KvPage Copy()
    {
        var copy = new KvPage(Bytes, _memory);
        Buffer.MemoryCopy(Pointer, copy.Pointer, Bytes, Bytes);
        return copy;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0) Dispose();
    }

    protected override bool ReleaseHandle()
    {
        _memory.Return(handle, Bytes);
        return true;
    }
}
