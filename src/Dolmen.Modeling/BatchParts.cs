using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace Dolmen.Modeling;

/// <summary>
/// The rows of a batch in parts, each on a thread of its own that goes forward and backward by itself. Where every operation is divided
/// among the threads instead, they wait for each other some hundred times a step, and what libtorch does between its kernels runs on one
/// of them only. How a batch is divided depends on its rows and the number of threads alone, and parts are added up in order: results
/// repeat.
/// </summary>
internal static class BatchParts
{
    private static readonly Lock Busy = new();
    private static readonly List<Worker> Workers = [];

    [ThreadStatic] private static int _current;

    /// <summary>The number of the part that this thread computes; 0 where nothing is divided.</summary>
    public static int Current => _current;

    /// <summary>As many parts as there are rows and threads for, and the same number of threads for each of them.</summary>
    public static int Count(long rows)
    {
        var threads = get_num_threads();
        var parts = (int)Math.Clamp(rows, 1, threads);
        while (threads % parts != 0) parts--;
        return parts;
    }

    /// <summary>Where part <paramref name="part"/> of <paramref name="parts"/> begins.</summary>
    public static long Start(long rows, int parts, int part) => rows * part / parts;

    /// <summary>Calls <paramref name="body"/> once with each of 0 … <paramref name="parts"/> − 1, at the same time, and returns when all
    /// calls have returned. The first failure, in the order of the parts, is thrown.</summary>
    public static void Run(int parts, Action<int> body)
    {
        if (parts == 1)
        {
            body(0);
            return;
        }
        lock (Busy) RunOn(parts, Math.Max(1, get_num_threads() / parts), body);
    }

    /// <summary>Calls <paramref name="body"/> where libtorch's operations run on one thread.</summary>
    public static void RunOnOneThread(Action body)
    {
        lock (Busy) RunOn(1, threadsOfEach: 1, _ => body());
    }

    private static void RunOn(int parts, int threadsOfEach, Action<int> body)
    {
        var threads = get_num_threads();
        while (Workers.Count < parts) Workers.Add(new Worker(Workers.Count));
        foreach (var worker in Workers[..parts]) worker.Limit(threadsOfEach);
        // Libtorch gives the last number that was set to threads it has not met.
        set_num_threads(threads);
        foreach (var worker in Workers[..parts]) worker.Begin(body);
        foreach (var worker in Workers[..parts]) worker.Wait();
        foreach (var worker in Workers[..parts]) worker.Failure?.Throw();
    }

    private sealed class Worker
    {
        // A monitor, as a thread can wait for it to be pulsed.
        private readonly object _change = new();
        private readonly int _part;
        private Action<int>? _body;
        private int _threads;

        public Worker(int part)
        {
            _part = part;
            new Thread(Loop) { IsBackground = true, Name = $"batch part {part}" }.Start();
        }

        public ExceptionDispatchInfo? Failure { get; private set; }

        /// <summary>Libtorch's operations on this thread then use so many.</summary>
        public void Limit(int threads)
        {
            if (_threads == threads) return;
            _threads = threads;
            // A thread takes the number of the process when it first asks, which must be before it gets its own.
            Begin(_ =>
            {
                _ = get_num_threads();
                set_num_threads(threads);
            });
            Wait();
        }

        public void Begin(Action<int> body)
        {
            lock (_change)
            {
                (_body, Failure) = (body, null);
                Monitor.PulseAll(_change);
            }
        }

        public void Wait()
        {
            lock (_change)
            {
                while (_body is not null) Monitor.Wait(_change);
            }
        }

        private void Loop()
        {
            _current = _part;
            while (true)
            {
                Action<int> body;
                lock (_change)
                {
                    while (_body is null) Monitor.Wait(_change);
                    body = _body;
                }
                ExceptionDispatchInfo? failure = null;
                try
                {
                    body(_part);
                }
                catch (Exception error)
                {
                    failure = ExceptionDispatchInfo.Capture(error);
                }
                lock (_change)
                {
                    (_body, Failure) = (null, failure);
                    Monitor.PulseAll(_change);
                }
            }
        }
    }
}
