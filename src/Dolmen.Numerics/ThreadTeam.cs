using System.Diagnostics;

namespace Dolmen.Numerics;

/// <summary>Runs the chunks of a job on the caller and a few waiting threads. The jobs of a decode step last microseconds and follow each
/// other closely, so a waiting thread spins for a moment before it sleeps; longer would take a core from whatever else the machine does,
/// and from a thread of ours that was interrupted. Whoever is free takes the next chunk. Where something else keeps the other cores busy, a
/// thread that holds a chunk may not run for milliseconds: after such a wait the caller works alone for a while, so that waiting costs a
/// small share of the time.</summary>
internal sealed class ThreadTeam : IThreadTeam
{
    private const double SpinMicroseconds = 40;
    private const int MaxChunks = 1 << 20;

    /// <summary>A wait of this long, and of several chunks, means that another thread did not get its core.</summary>
    private const double StallMicroseconds = 250;

    private const int ChunksOfAStall = 4;

    /// <summary>The caller works alone for so many times the wait.</summary>
    private const int AloneAfterStall = 10;

    private static readonly long SpinTicks = (long)(SpinMicroseconds * Stopwatch.Frequency / 1e6);
    private static readonly long StallTicks = (long)(StallMicroseconds * Stopwatch.Frequency / 1e6);
    private static readonly SemaphoreSlim Wake = new(0);              // the one team lives as long as the process
    private static readonly SemaphoreSlim Finished = new(0);

    private readonly Lock _gate = new();
    // epoch (24 bits) | chunks (20) | next chunk (20): one word, so that a late thread can never take a chunk of a job it has not seen.
    private long _state;
    private int _done;
    private int _sleeping;
    private int _callerSleeps;
    private int _limit;
    private long _aloneUntil;
    private Action<int>? _body;
    private Exception? _failure;

    private ThreadTeam(int threads)
    {
        Threads = threads;
        for (var i = 1; i < threads; i++)
        {
            var index = i;
            new Thread(() => Work(index)) { IsBackground = true, Name = $"team {i}" }.Start();
        }
    }

    /// <summary>One thread a core, for every model of the process; beyond sixteen, sharing a small model's step costs more than it brings.
    /// A container's share of the processor counts as its cores: the runtime rounds a quota up to whole ones.</summary>
    public static ThreadTeam Shared { get; } = new(Math.Min(Environment.ProcessorCount, 16));

    public int Threads { get; }

    /// <summary>Calls <paramref name="body"/> with 0 … <paramref name="chunks"/> − 1 and returns when all are done. While another caller
    /// has the team, everything runs on the calling thread.</summary>
    public void Run(int chunks, int threads, Action<int> body)
    {
        if (chunks <= 1 || threads <= 1 || Threads == 1 || chunks >= MaxChunks || WorksAlone() || !_gate.TryEnter())
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
            var (start, own) = (Stopwatch.GetTimestamp(), 0);
            while (TakeOne()) own++;
            var finished = Stopwatch.GetTimestamp();
            AwaitOthers(chunks);
            NoteWait(finished, (finished - start) / Math.Max(1, own));
            _body = null;
            if (_failure is { } failure) throw new InvalidOperationException("A part of the computation failed.", failure);
        }
        finally
        {
            _gate.Exit();
        }
    }

    private bool WorksAlone() => Stopwatch.GetTimestamp() < Volatile.Read(ref _aloneUntil);

    private void NoteWait(long finished, long ticksPerChunk)
    {
        var now = Stopwatch.GetTimestamp();
        var waited = now - finished;
        if (waited > StallTicks && waited > ChunksOfAStall * ticksPerChunk) Volatile.Write(ref _aloneUntil, now + AloneAfterStall * waited);
    }

    private void AwaitOthers(int chunks)
    {
        var start = Stopwatch.GetTimestamp();
        while (Volatile.Read(ref _done) < chunks && Stopwatch.GetTimestamp() - start < SpinTicks) Thread.SpinWait(4);
        while (Volatile.Read(ref _done) < chunks)
        {
            Interlocked.Exchange(ref _callerSleeps, 1);
            // Whoever finds the mark takes it and releases once. One that was late for the job before may do so: hence the loop.
            if (Volatile.Read(ref _done) < chunks || Interlocked.Exchange(ref _callerSleeps, 0) == 0) Finished.Wait();
        }
    }

    private bool TakeOne()
    {
        while (true)
        {
            var state = Volatile.Read(ref _state);
            var next = (int)(state & 0xFFFFF);
            var chunks = (int)(state >> 20 & 0xFFFFF);
            if (next >= chunks) return false;
            if (Interlocked.CompareExchange(ref _state, state + 1, state) != state) continue;
            try
            {
                _body?.Invoke(next);
            }
            catch (Exception error)
            {
                _failure = error;
            }
            if (Interlocked.Increment(ref _done) == chunks && Interlocked.Exchange(ref _callerSleeps, 0) == 1) Finished.Release();
            return true;
        }
    }

    private void Work(int index)
    {
        while (true)
        {
            var idleSince = Stopwatch.GetTimestamp();
            while (Stopwatch.GetTimestamp() - idleSince < SpinTicks)
            {
                if (index < Volatile.Read(ref _limit) && TakeOne()) idleSince = Stopwatch.GetTimestamp();
                else Thread.SpinWait(4);
            }
            Interlocked.Increment(ref _sleeping);
            // A job published before the line above may have missed this thread: look once more before sleeping.
            if (index >= Volatile.Read(ref _limit) || !TakeOne()) Wake.Wait();
            Interlocked.Decrement(ref _sleeping);
        }
    }
}
