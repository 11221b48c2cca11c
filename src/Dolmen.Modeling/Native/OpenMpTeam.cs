using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;

namespace Dolmen.Modeling.Native;

/// <summary>
/// Runs managed bodies on libtorch's own OpenMP team. A second thread pool beside it would fight for the cores: libgomp's threads spin
/// between regions. Where libtorch brings no libgomp the runtime's pool does the work. Threads take the parts of a job in turn, so that one
/// that the system interrupted delays nobody.
/// </summary>
internal sealed unsafe class OpenMpTeam : IThreadTeam
{
    /// <summary>Parts a thread of a job whose results do not depend on the parts.</summary>
    private const int ChunksPerThread = 8;

    private static readonly delegate* unmanaged<delegate* unmanaged<void*, void>, void*, uint, uint, void> Parallel;

    static OpenMpTeam()
    {
        var threads = torch.get_num_threads();                           // loads libtorch
        if (threads < 1 || LoadedLibrary.Find("libgomp") is not { } path || !NativeLibrary.TryLoad(path, out var gomp)) return;
        if (!NativeLibrary.TryGetExport(gomp, "GOMP_parallel", out var parallel)) return;
        Parallel = (delegate* unmanaged<delegate* unmanaged<void*, void>, void*, uint, uint, void>)parallel;
    }

    private OpenMpTeam() { }

    public static OpenMpTeam Shared { get; } = new();

    public static int Threads => torch.get_num_threads();

    int IThreadTeam.Threads => Threads;

    /// <summary>Splits [0, <paramref name="count"/>) into one run a thread; a run shorter than <paramref name="grain"/> is not worth a
    /// thread. <paramref name="body"/> gets the run's number, below <see cref="Threads"/>, and the run. The runs depend on count, grain and
    /// the number of threads alone, so that sums over a run repeat.</summary>
    public static void Run(long count, long grain, Action<int, long, long> body)
    {
        var parts = (int)Math.Clamp(count / Math.Max(1, grain), 1, Threads);
        var size = (count + parts - 1) / parts;
        Shared.Run(parts, parts, part => body(part, Math.Min(count, size * part), Math.Min(count, size * (part + 1))));
    }

    /// <summary>Splits [0, <paramref name="count"/>) into more runs than threads, none shorter than <paramref name="grain"/>: for bodies
    /// whose results are the same however the range is cut.</summary>
    public static void RunChunks(long count, long grain, Action<long, long> body)
    {
        var threads = Threads;
        var parts = (int)Math.Clamp(count / Math.Max(1, grain), 1, threads == 1 ? 1 : (long)ChunksPerThread * threads);
        var size = (count + parts - 1) / parts;
        // Long runs are of elements: they begin on cache lines.
        if (size > 64 * 64) size = (size + 63) / 64 * 64;
        Shared.Run(parts, threads, part => body(Math.Min(count, size * part), Math.Min(count, size * (part + 1))));
    }

    /// <inheritdoc/>
    public void Run(int chunks, int threads, Action<int> body)
    {
        var workers = Math.Min(chunks, Math.Min(threads, Threads));
        if (workers <= 1)
        {
            for (var i = 0; i < chunks; i++) body(i);
            return;
        }
        var job = new Job(body, chunks);
        if (Parallel == null)
        {
            System.Threading.Tasks.Parallel.For(0, workers, _ => job.TakeChunks());
        }
        else
        {
            var handle = GCHandle.Alloc(job);
            Parallel(&Enter, (void*)GCHandle.ToIntPtr(handle), (uint)workers, 0);
            handle.Free();
        }
        if (job.Failure is { } failure) throw new InvalidOperationException($"A kernel failed: {failure.Message}", failure);
    }

    [UnmanagedCallersOnly]
    private static void Enter(void* handle) => ((Job)GCHandle.FromIntPtr((IntPtr)handle).Target!).TakeChunks();

    private sealed class Job(Action<int> body, int chunks)
    {
        private int _next = -1;

        public Exception? Failure { get; private set; }

        // An exception must not cross the native frames below: it would end the process.
        [MethodImpl(MethodImplOptions.NoInlining)]
        public void TakeChunks()
        {
            try
            {
                for (var chunk = Interlocked.Increment(ref _next); chunk < chunks; chunk = Interlocked.Increment(ref _next)) body(chunk);
            }
            catch (Exception error)
            {
                Failure = error;
            }
        }
    }
}
