namespace Dolmen.Numerics;

/// <summary>Working memory of the calling thread that is kept for the next caller: a product asks for the same amount again and again.
/// Only one piece a thread can be out at a time.</summary>
internal readonly unsafe ref struct ThreadMemory
{
    [ThreadStatic] private static Kept? _ofThread;

    private readonly Kept _memory;

    private ThreadMemory(Kept memory) => _memory = memory;

    /// <summary>Not cleared; starts on a cache line.</summary>
    public static ThreadMemory Rent(long floats)
    {
        var memory = _ofThread ??= new Kept();
        if (memory.Rented) throw new InvalidOperationException("This thread already works with its scratch memory.");
        if (memory.Buffer is null || memory.Buffer.Bytes < floats * sizeof(float))
        {
            memory.Buffer?.Dispose();
            memory.Buffer = NativeBuffer.OfFloats(floats);
        }
        memory.Rented = true;
        return new ThreadMemory(memory);
    }

    public float* Floats => _memory.Buffer!.Floats;

    public void Dispose() => _memory.Rented = false;

    private sealed class Kept
    {
        public NativeBuffer? Buffer { get; set; }

        public bool Rented { get; set; }
    }
}
