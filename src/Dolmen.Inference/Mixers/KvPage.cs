namespace Dolmen.Inference.Mixers;

/// <summary>Keys and values of <see cref="Positions"/> tokens of one layer. Sequences that share a beginning share its pages; who writes to
/// a shared page takes a copy first.</summary>
internal sealed unsafe class KvPage
{
    /// <summary>A whole number of <see cref="Kernels.Attention.Block"/>s.</summary>
    public const int Positions = 64;

    private readonly NativeBuffer _buffer;
    private readonly StateMemory _memory;
    private int _users = 1;

    public KvPage(long bytes, StateMemory memory)
    {
        (_buffer, _memory) = (memory.Rent(bytes), memory);
    }

    public byte* Pointer => _buffer.Pointer;

    public long Bytes => _buffer.Bytes;

    public bool IsShared => Volatile.Read(ref _users) > 1;

    public KvPage Share()
    {
        Interlocked.Increment(ref _users);
        return this;
    }

    public KvPage Copy()
    {
        var copy = new KvPage(_buffer.Bytes, _memory);
        Buffer.MemoryCopy(_buffer.Pointer, copy._buffer.Pointer, copy._buffer.Bytes, _buffer.Bytes);
        return copy;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _users) > 0) return;
        _memory.Return(_buffer);
    }
}
