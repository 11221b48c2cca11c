namespace Dolmen.Numerics;

/// <summary>Runs the chunks of a job on the caller and a few waiting threads. A job of a decode step lasts microseconds, so the threads
/// spin
/// for a while before they sleep; whoever is free takes the next chunk, so a thread the system took away delays nobody. Chunks must write
/// disjoint outputs: then results do not depend on the number of threads.</summary>
internal sealed class ThreadTeam : IThreadTeam
{
    private const int SpinsBeforeSleep = 20_000;
    private const int MaxChunks = 1 << 20;

    private static readonly SemaphoreSlim Wake = new(0);              // the one team lives as long as the process

    private readonly Lock _gate = new();
    // epoch (24 bits) | chunks (20) | next chunk (20): one word, so that a late thread can never take a chunk of a job it has not seen.
    private long _state;
    private int _done;
    private int _sleeping;
    private int _limit;
    private Action<int>? _body;
    private Exception? _failure;

    private ThreadTeam(int threads)
    {
        Threads = threads;
        for (var i = 1; i < threads; i++)
        {
            var index = i;
            new Thread(() => Work(index)) { IsBackground = true, Name = $"inference {i}" }.Start();
        }
    }

    /// <summary>One thread a core, for every model of the process; beyond sixteen, sharing a small model's step costs more than it
    /// brings.</summary>
    public static ThreadTeam Shared { get; } = new(Math.Min(Environment.ProcessorCount, 16));

    public int Threads { get; }

    /// <summary>Calls <paramref name="body"/> with 0 … <paramref name="chunks"/> − 1 and returns when all are done. While another caller
    /// has the team, everything runs on the calling thread.</summary>
    public void Run(int chunks, int threads, Action<int> body)
    {
        if (chunks <= 1 || threads <= 1 || Threads == 1 || chunks >= MaxChunks || !_gate.TryEnter())
        {
            for (var i = 0; i < chunks; i++) body(i);
            return;
        }
        try
        {
            _body = body;
            _failure = null;
            Volatile.Write(ref _limit, threads);
            Volatile.Write(ref _done, 0);
            var epoch = (Volatile.Read(ref _state) >> 40) + 1 & 0x7FFFFF;
            Interlocked.Exchange(ref _state, epoch << 40 | (long)chunks << 20);
            var asleep = Volatile.Read(ref _sleeping);
            if (asleep > 0) Wake.Release(asleep);
            while (TakeOne()) { }
            var spin = new SpinWait();
            while (Volatile.Read(ref _done) < chunks) spin.SpinOnce(sleep1Threshold: -1);
            _body = null;
            if (_failure is { } failure) throw new InvalidOperationException("A part of the computation failed.", failure);
        }
        finally
        {
            _gate.Exit();
        }
    }

    private bool TakeOne()
    {
        while (true)
        {
            var state = Volatile.Read(ref _state);
            var next = (int)(state & 0xFFFFF);
            if (next >= (int)(state >> 20 & 0xFFFFF)) return false;
            if (Interlocked.CompareExchange(ref _state, state + 1, state) != state) continue;
            try
            {
                _body?.Invoke(next);
            }
            catch (Exception error)
            {
                _failure = error;
            }
            Interlocked.Increment(ref _done);
            return true;
        }
    }

    private void Work(int index)
    {
        while (true)
        {
            for (var spins = 0; spins < SpinsBeforeSleep; spins++)
            {
                if (index < Volatile.Read(ref _limit) && TakeOne()) spins = 0;
                else Thread.SpinWait(4);
            }
            Interlocked.Increment(ref _sleeping);
            // A job published before the line above may have missed this thread: look once more before sleeping.
            if (index >= Volatile.Read(ref _limit) || !TakeOne()) Wake.Wait();
            Interlocked.Decrement(ref _sleeping);
        }
    }
}
