namespace Dolmen.Inference.Mixers;

/// <summary>Keys and values of <see cref="Positions"/> tokens of one layer. Sequences that share a beginning share its pages; who writes to
/// a shared page takes a copy first.</summary>
internal sealed unsafe class KvPage(long floats)
{
    /// <summary>A whole number of <see cref="Kernels.Attention.Block"/>s.</summary>
    public const int Positions = 64;

    private readonly NativeBuffer _buffer = NativeBuffer.OfFloats(floats);
    private int _users = 1;

    public float* Floats => _buffer.Floats;

    public bool IsShared => Volatile.Read(ref _users) > 1;

    /// <summary>What one of its users has to answer for: all users together give the page's memory.</summary>
    public long SharedBytes => _buffer.Bytes / Math.Max(1, Volatile.Read(ref _users));

    public KvPage Share()
    {
        Interlocked.Increment(ref _users);
        return this;
    }

    public KvPage Copy()
    {
        var copy = new KvPage(floats);
        Buffer.MemoryCopy(_buffer.Pointer, copy._buffer.Pointer, copy._buffer.Bytes, _buffer.Bytes);
        return copy;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0) _buffer.Dispose();
    }
}
