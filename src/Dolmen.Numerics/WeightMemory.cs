using System.Runtime.InteropServices;

namespace Dolmen.Numerics;

/// <summary>Zeroed memory for weights, on large pages where the system gives them: reading weights once for every token runs through more
/// small pages than the processor keeps addresses of, which costs a quarter of the bandwidth and more. Matrices share chunks; a chunk is
/// given back when its last matrix is.</summary>
internal static unsafe partial class WeightMemory
{
    private const long ChunkBytes = 32 << 20, LargePage = 2 << 20, Line = 64;

    private static readonly Lock Gate = new();
    private static Chunk? _current;
    private static long _used;                                           // of the current chunk

    /// <summary>Memory that is given back by disposing of the buffer.</summary>
    public static NativeBuffer Take(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        var room = (bytes + Line - 1) / Line * Line;
        if (room > ChunkBytes / 4) return new NativeBuffer(new Chunk(room) { Live = 1 }, 0, bytes);
        lock (Gate)
        {
            if (_current is null || _used + room > ChunkBytes) (_current, _used) = (new Chunk(ChunkBytes), 0);
            _current.Live++;
            _used += room;
            return new NativeBuffer(_current, _used - room, bytes);
        }
    }

    /// <summary>A buffer needs its chunk no longer.</summary>
    public static void Return(Chunk chunk)
    {
        lock (Gate)
        {
            if (--chunk.Live > 0) return;
            if (_current == chunk) _current = null;
        }
        chunk.Free();
    }

    /// <summary>Untouched pages of it take no memory.</summary>
    public sealed partial class Chunk
    {
        private const int WantsLargePages = 14;                          // MADV_HUGEPAGE

        private static bool _isAdvised = OperatingSystem.IsLinux();

        private readonly void* _memory;

        public Chunk(long bytes)
        {
            _memory = NativeMemory.AllocZeroed((nuint)(bytes + LargePage));
            Start = (byte*)(((nint)_memory + LargePage - 1) / LargePage * LargePage);
            Advise(bytes / LargePage * LargePage);
        }

        public byte* Start { get; }

        public int Live { get; set; }

        public void Free() => NativeMemory.Free(_memory);

        private void Advise(long bytes)
        {
            if (!_isAdvised || bytes == 0) return;
            try
            {
                _ = MemoryAdvice(Start, (nuint)bytes, WantsLargePages);  // the system may not have any
            }
            catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
            {
                _isAdvised = false;
            }
        }

        [LibraryImport("libc", EntryPoint = "madvise")]
        private static partial int MemoryAdvice(void* start, nuint bytes, int advice);
    }
}
