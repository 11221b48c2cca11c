using System.Collections.Concurrent;

namespace Dolmen.Inference.Mixers;

/// <summary>Counts the memory of all states of a model that are alive; what several share counts once. Keeps some of the buffers that were
/// given back for the next to ask: getting fresh pages from the system for every text costs more than a small model's pass.</summary>
internal sealed class StateMemory : IDisposable
{
    /// <summary>Most bytes kept for reuse.</summary>
    private const long MostIdle = 64 << 20;

    private readonly ConcurrentBag<NativeBuffer> _idle = [];
    private long _bytes, _idleBytes;
    private volatile bool _disposed;

    public long Bytes => Interlocked.Read(ref _bytes);

    public void Add(long bytes) => Interlocked.Add(ref _bytes, bytes);

    /// <summary>A buffer of just so many bytes, counted; what is in it is unknown.</summary>
    public NativeBuffer Rent(long bytes)
    {
        Add(bytes);
        while (_idle.TryTake(out var buffer))
        {
            Interlocked.Add(ref _idleBytes, -buffer.Bytes);
            // Layers of different widths: what does not fit makes room for what does.
            if (buffer.Bytes == bytes) return buffer;
            buffer.Dispose();
        }
        return new NativeBuffer(bytes);
    }

    /// <summary>Takes back what was rented.</summary>
    public void Return(NativeBuffer buffer)
    {
        Add(-buffer.Bytes);
        if (Interlocked.Add(ref _idleBytes, buffer.Bytes) > MostIdle || _disposed)
        {
            Interlocked.Add(ref _idleBytes, -buffer.Bytes);
            buffer.Dispose();
        }
        else _idle.Add(buffer);
    }

    public void Dispose()
    {
        _disposed = true;
        while (_idle.TryTake(out var buffer)) buffer.Dispose();
    }
}
