using System.Collections.Concurrent;
using System.Diagnostics;
using Dolmen.Tokenization;

namespace Dolmen.Inference;

/// <summary>Generates many texts at once with one model. Every pass takes one token of each text that is being written, with guesses of
/// the next ones where they pay, and parts of the prompts of others; a text that is cancelled stops before the next pass. Texts begin in
/// the order in which they came; where memory is short, the latest gives up its state and computes it again later. Every text is the one
/// that it would be alone.
/// <para>Either <see cref="Start"/> it, or call <see cref="Step"/> yourself; the model is the scheduler's alone.</para></summary>
public sealed class Scheduler : IDisposable
{
    private readonly LanguageModel _model;
    private readonly Tokenizer _tokenizer;
    private readonly SchedulerOptions _options;
    private readonly StateBudget _memory;
    private readonly PromptCuts _cuts;
    private readonly PassSize _passSize;
    private readonly Speculator? _speculator;
    private readonly ConcurrentQueue<GeneratingSequence> _inbox = new();
    private readonly LinkedList<GeneratingSequence> _waiting = new();
    private readonly List<GeneratingSequence> _running = [];             // in the order of their turns
    private readonly SemaphoreSlim _work = new(0);
    private readonly Lock _gate = new();                                 // nothing comes in once it is closed
    private readonly Lock _pass = new();
    private volatile bool _closed;
    private Thread? _thread;
    private long _preemptions;
    private long _submitted;
    private volatile GeneratingSequence[] _shown = [];                   // running as of the last pass
    private bool _isFull;                                                // until a state is given back
    private volatile SchedulerStatistics _statistics = new(0, 0, 0, 0, 0, 0);

    public Scheduler(LanguageModel model, Tokenizer tokenizer, SchedulerOptions? options = null)
    {
        (_model, _tokenizer, _options) = (model, tokenizer, options ?? new SchedulerOptions());
        _cuts = new PromptCuts(tokenizer);
        _passSize = new PassSize(model, _options.PassSeconds);
        _speculator = Speculator.Of(model, _options);
        _memory = new StateBudget(model, _options, _speculator);
    }

    /// <summary>As of the last pass.</summary>
    public SchedulerStatistics Statistics => _statistics;

    /// <summary>The texts that have their turn, as of the last pass.</summary>
    public IReadOnlyList<RunningText> Running => [.. _shown.Select(sequence => sequence.Progress())];

    /// <summary>Computes on a thread of its own until disposed.</summary>
    public void Start()
    {
        _thread = new Thread(Work) { IsBackground = true, Name = "scheduler" };
        _thread.Start();
    }

    /// <summary>Takes in a text to generate. From any thread.</summary>
    /// <exception cref="Artifacts.UserErrorException">The prompt is empty or leaves no room in the context, or an option is out of its
    /// range.</exception>
    public Generation Submit(GenerationRequest request, CancellationToken stop = default)
    {
        request.Validate(_model);
        var sequence = new GeneratingSequence(_model, _tokenizer, request, Interlocked.Increment(ref _submitted), stop);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            _inbox.Enqueue(sequence);
        }
        _work.Release();
        return sequence.Generation;
    }

    /// <summary>Generates one text on the calling thread, and with it all others that were submitted.</summary>
    /// <param name="onText">Called with each piece as soon as it is certain: whole characters, never part of a stop string.</param>
    /// <param name="onToken">Called with each token's log-probability where those were asked for, before the token's text.</param>
    /// <exception cref="OperationCanceledException">Stopped between two tokens.</exception>
    public GenerationResult Run(
        GenerationRequest request, Action<string>? onText = null, Action<TokenLogprob>? onToken = null, CancellationToken stop = default)
    {
        using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(stop);
        abandoned.Token.ThrowIfCancellationRequested();
        var generation = Submit(request, abandoned.Token);
        try
        {
            while (!generation.Result.IsCompleted)
            {
                Step();
                while (generation.TryRead(out var piece))
                {
                    if (piece.Token is { } token) onToken?.Invoke(token);
                    else onText?.Invoke(piece.Text);
                }
            }
        }
        finally
        {
            abandoned.Cancel();                                          // where a caller's function threw
        }
        if (generation.Result.IsCanceled) stop.ThrowIfCancellationRequested();
        return generation.Result.GetAwaiter().GetResult();
    }

    /// <summary>Gives the model other weights between two passes, see <see cref="LanguageModel.Reload"/>. Texts that have begun go on with
    /// them; what was computed with the old ones is forgotten.</summary>
    public void Reload(Func<string, ReadOnlyMemory<float>> weights)
    {
        lock (_pass)
        {
            _memory.Cache.Dispose();
            foreach (var sequence in _running.AsEnumerable().Reverse())
            {
                sequence.Dispose();
                _waiting.AddFirst(sequence);
            }
            _running.Clear();
            _isFull = false;
            _model.Reload(weights);
        }
    }

    /// <summary>Computes one pass.</summary>
    /// <returns>Whether there was anything to compute.</returns>
    public bool Step()
    {
        lock (_pass) return Pass();
    }

    private bool Pass()
    {
        while (_inbox.TryDequeue(out var arrived)) _waiting.AddLast(arrived);
        DropCancelled();
        Admit();
        var plan = MakeRoom();
        var onlyWrites = Speculator.OnlyWrites(plan);
        plan = _speculator?.Extend(plan, _memory.Fits) ?? plan;
        if (plan.Count > 0) Compute(plan, onlyWrites);
        _speculator?.Forget(all: false);
        if (!Enumerable.SequenceEqual(_shown, _running)) _shown = [.. _running];
        _statistics = new SchedulerStatistics(
            _running.Count, _waiting.Count, _model.StateBytes, _memory.Cache.Bytes, _memory.Cache.HitRate, _preemptions)
        { DraftedTokens = _speculator?.Drafted ?? 0, AcceptedTokens = _speculator?.Accepted ?? 0 };
        return plan.Count > 0;
    }

    /// <summary>Cancels what is not finished.</summary>
    public void Dispose()
    {
        lock (_gate) _closed = true;
        _work.Release();
        _thread?.Join();
        while (_inbox.TryDequeue(out var arrived)) _waiting.AddLast(arrived);
        foreach (var sequence in _running.Concat(_waiting)) Cancel(sequence, new CancellationToken(canceled: true));
        _running.Clear();
        _waiting.Clear();
        _memory.Dispose();
        _speculator?.Dispose();
    }

    private void Work()
    {
        while (!_closed)
        {
            try
            {
                if (!Step()) _work.Wait();
            }
            catch (Exception error)
            {
                // Other texts are to come: those that were in this pass fail, the server goes on.
                lock (_pass)
                {
                    if (_running.Count == 0 && _waiting.First is { } first)
                    {
                        _waiting.RemoveFirst();
                        Fail(first.Value, error);
                    }
                    foreach (var sequence in _running.ToList()) Fail(sequence, error);
                }
            }
        }
    }

    private void DropCancelled()
    {
        for (var node = _waiting.First; node is not null;)
        {
            var (sequence, next) = (node.Value, node.Next);
            if (sequence.Stop.IsCancellationRequested)
            {
                _waiting.Remove(node);
                Cancel(sequence, sequence.Stop);
            }
            node = next;
        }
        foreach (var sequence in _running.Where(sequence => sequence.Stop.IsCancellationRequested).ToList())
        {
            Leave(sequence);
            _memory.Keep(sequence);
            Cancel(sequence, sequence.Stop);
        }
    }

    private static void Cancel(GeneratingSequence sequence, CancellationToken stop)
    {
        sequence.Dispose();
        sequence.Generation.Cancel(stop);
    }

    private void Admit()
    {
        for (var node = _waiting.First; node is not null && !_isFull && _running.Count < _options.MaxSequences;)
        {
            var (sequence, next) = (node.Value, node.Next);
            if (!AwaitsPrefix(sequence))
            {
                if (_memory.NewState(sequence, _running) is not { } found)
                {
                    _isFull = true;
                    return;
                }
                _waiting.Remove(node);
                sequence.Begin(found.State, _cuts.Of(sequence, found.Branch), FreeSlot());
                _running.Add(sequence);
            }
            node = next;
        }
    }

    private int FreeSlot() => Enumerable.Range(0, _running.Count + 1).First(slot => !_running.Exists(other => other.Slot == slot));

    /// <summary>Whether a text that begins alike is being computed: waiting for it costs less than computing the same beside it.</summary>
    private bool AwaitsPrefix(GeneratingSequence sequence)
    {
        const int worth = 64;
        if (!_memory.Caches || sequence.NeedsWholePrompt) return false;
        return _running.Exists(other => other.IsInPrompt && !other.NeedsWholePrompt && other.PromptLength - other.State!.Length >= worth / 2
            && other.Tokens[..other.PromptLength].CommonPrefixLength(sequence.Tokens) >= worth);
    }

    /// <summary>The next pass, for which texts that came late have made room where memory is short.</summary>
    private List<PlannedSlice> MakeRoom()
    {
        while (true)
        {
            var plan = _passSize.Share(_running);
            if (_running.Count <= 1 || _memory.Fits(plan)) return plan;
            var latest = _running[^1];
            _running.RemoveAt(_running.Count - 1);
            latest.Dispose();
            _waiting.AddFirst(latest);
            _isFull = true;
            _preemptions++;
        }
    }

    private void Compute(List<PlannedSlice> plan, bool onlyWrites)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            _model.Forward([.. plan.Select(entry => entry.Slice)]);
        }
        catch (Exception error)
        {
            foreach (var (sequence, _) in plan) Fail(sequence, error);   // what the states hold now is unknown
            return;
        }
        _passSize.Measured(plan.Sum(entry => entry.Slice.Tokens.Length), Stopwatch.GetElapsedTime(started).TotalSeconds);
        foreach (var (sequence, _) in plan) if (_cuts.IsOne(sequence)) _memory.KeepCopy(sequence);
        var failures = new Exception?[plan.Count];
        ThreadTeam.Shared.Run(plan.Count, _model.Threads, i =>
        {
            try
            {
                plan[i].Sequence.Accept(plan[i].Slice);
            }
            catch (Exception error)
            {
                failures[i] = error;                                     // such as no finite logit
            }
        });
        _speculator?.Learn(plan, Stopwatch.GetElapsedTime(started).TotalSeconds, onlyWrites);
        foreach (var (i, (sequence, _)) in plan.Index())
        {
            if (failures[i] is { } error) Fail(sequence, error);
            else if (sequence.IsFinished)
            {
                Leave(sequence);
                _memory.Keep(sequence);
                sequence.Complete();
            }
        }
    }

    private void Leave(GeneratingSequence sequence)
    {
        _running.Remove(sequence);
        _isFull = false;
    }

    private void Fail(GeneratingSequence sequence, Exception error)
    {
        Leave(sequence);
        sequence.Dispose();
        sequence.Generation.Fail(error);
    }
}
