using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;

namespace Dolmen.Modeling.Native;

/// <summary>
/// Runs managed bodies on libtorch's own OpenMP team. A second thread pool beside it would fight for the cores: libgomp's threads spin
/// between regions. Where libtorch brings no libgomp the runtime's pool does the work.
/// </summary>
internal static unsafe class OpenMpTeam
{
    private static readonly delegate* unmanaged<delegate* unmanaged<void*, void>, void*, uint, uint, void> Parallel;
    private static readonly delegate* unmanaged<int> ThreadNumber;

    static OpenMpTeam()
    {
        var threads = torch.get_num_threads();                           // loads libtorch
        if (threads < 1 || LoadedLibrary.Find("libgomp") is not { } path || !NativeLibrary.TryLoad(path, out var gomp)) return;
        if (!NativeLibrary.TryGetExport(gomp, "GOMP_parallel", out var parallel) ||
            !NativeLibrary.TryGetExport(gomp, "omp_get_thread_num", out var number)) return;
        Parallel = (delegate* unmanaged<delegate* unmanaged<void*, void>, void*, uint, uint, void>)parallel;
        ThreadNumber = (delegate* unmanaged<int>)number;
    }

    public static int Threads => torch.get_num_threads();

    /// <summary>Splits [0, <paramref name="count"/>) into one run a thread; a run shorter than <paramref name="grain"/> is not worth a
    /// thread. <paramref name="body"/> gets the thread's number and its run. Which run a thread gets depends on count, grain and the
    /// number of threads alone, so results repeat.</summary>
    public static void Run(long count, long grain, Action<int, long, long> body)
    {
        var parts = (int)Math.Clamp(count / Math.Max(1, grain), 1, Threads);
        if (parts == 1)
        {
            body(0, 0, count);
            return;
        }
        var work = new Work(body, count, parts);
        if (Parallel == null)
        {
            System.Threading.Tasks.Parallel.For(0, parts, work.Run);
        }
        else
        {
            var handle = GCHandle.Alloc(work);
            Parallel(&Enter, (void*)GCHandle.ToIntPtr(handle), (uint)parts, 0);
            handle.Free();
        }
        if (work.Failure is { } failure) throw new InvalidOperationException($"A kernel failed: {failure.Message}", failure);
    }

    [UnmanagedCallersOnly]
    private static void Enter(void* handle) => ((Work)GCHandle.FromIntPtr((IntPtr)handle).Target!).Run(ThreadNumber());

    private sealed class Work(Action<int, long, long> body, long count, int parts)
    {
        public Exception? Failure { get; private set; }

        // An exception must not cross the native frames below: it would end the process.
        [MethodImpl(MethodImplOptions.NoInlining)]
        public void Run(int part)
        {
            try
            {
                var size = (count + parts - 1) / parts;
                var start = Math.Min(count, size * part);
                body(part, start, Math.Min(count, start + size));
            }
            catch (Exception error)
            {
                Failure = error;
            }
        }
    }
}
