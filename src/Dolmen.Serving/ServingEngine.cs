using System.Diagnostics;
using Dolmen.Inference;
using Dolmen.Serving.Embeddings;

namespace Dolmen.Serving;

/// <summary>Computes the answers to all requests with one scheduler, together.</summary>
internal sealed class ServingEngine : IDisposable
{
    private readonly Scheduler _scheduler;
    private readonly int _maxWaiting;
    private readonly ModelMetrics _metrics;
    private int _waiting;

    public ServingEngine(ServedModel served, ServerOptions options, ModelMetrics metrics)
    {
        (Options, _maxWaiting, _metrics) = (options, options.MaxWaiting, metrics);
        _scheduler = new Scheduler(
            served.Model, served.Tokenizer, new SchedulerOptions(options.StateBytes, MaxSequences: options.MaxSequences)
            {
                Speculation = served.Speculation,
            });
        metrics.Follow(_scheduler, options.StateBytes);
        _scheduler.Start();
    }

    public ServerOptions Options { get; }

    /// <param name="answer">Given each piece as it comes where the request streams, together with <paramref name="sent"/>.</param>
    /// <param name="sent">Takes what goes to the client; null where nothing goes before the answer is whole.</param>
    /// <param name="stop">The client is gone: its texts stop before the next pass of the model.</param>
    /// <returns>Of each prompt all candidates.</returns>
    /// <exception cref="ApiErrorException">Too many wait already.</exception>
    public async Task<IReadOnlyList<GenerationResult>> Generate(
        CompletionRequest request, IStreamedAnswer answer, StreamBuffer? sent, CancellationToken stop)
    {
        using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var span = Telemetry.Start(request);
        var arrived = Stopwatch.GetTimestamp();
        var choices = new List<Generation?>();
        Task<GenerationResult>[] following = [];
        var running = 0;
        try
        {
            await Begin(request, choices, abandoned.Token);
            _metrics.AddRunning(running = 1);
            var writing = new Lock();                                    // pieces of all choices, as they come
            following = [.. choices.Select((generation, choice) => Follow(
                generation, choice, answer, sent, writing, arrived, abandoned.Token))];
            var results = await All(following);
            Telemetry.Finish(span, request, results);
            return results;
        }
        catch (Exception error)
        {
            Telemetry.Fail(span, error);
            throw;
        }
        finally
        {
            await Release(choices, abandoned);
            await ((Task)Task.WhenAll(following)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _metrics.AddRunning(-running);
        }
    }

    /// <summary>Of each input the vector that the model gives: neither cut nor normalised.</summary>
    /// <exception cref="ApiErrorException">Too many wait already.</exception>
    public async Task<IReadOnlyList<GenerationResult>> Embed(EmbeddingRequest request, CancellationToken stop)
    {
        using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var arrived = Stopwatch.GetTimestamp();
        var texts = new List<Generation>();
        var running = 0;
        try
        {
            await WaitForTurn(() =>
            {
                texts.AddRange(request.Inputs.Select(input => _scheduler.Submit(request.TextOf(input), abandoned.Token)));
                return texts[0];
            });
            _metrics.AddRunning(running = 1);
            var started = Stopwatch.GetTimestamp();
            var results = await Task.WhenAll(texts.Select(text => text.Result));
            foreach (var result in results) _metrics.AddFinished(result, arrived, started);
            return results;
        }
        finally
        {
            await Release(texts, abandoned);
            _metrics.AddRunning(-running);
        }
    }

    /// <summary>The texts that have their turn.</summary>
    public IReadOnlyList<RunningText> Running => _scheduler.Running;

    public SchedulerStatistics Statistics => _scheduler.Statistics;

    public void Dispose()
    {
        _scheduler.Dispose();
        _metrics.Unfollow(_scheduler);
    }

    /// <summary>Submits all choices of a request and waits until the first has its turn.</summary>
    /// <param name="choices">Gets them; null for one of which the prompt alone was asked for.</param>
    private Task Begin(CompletionRequest request, List<Generation?> choices, CancellationToken stop) => WaitForTurn(() =>
    {
        for (var choice = 0; choice < request.Prompts.Count * request.Candidates; choice++)
        {
            var options = request.OptionsOf(choice % request.Candidates);
            var prompt = request.Prompts[choice / request.Candidates].Tokens;
            choices.Add(
                options is { MaxTokens: 0, ScorePrompt: false } ? null
                    : _scheduler.Submit(new GenerationRequest(prompt, options), stop));
        }
        return choices[0];
    });

    /// <summary>Where one of a request's texts failed the others are for nobody. They have let go of the model when their results say
    /// so.</summary>
    private static async Task Release(IEnumerable<Generation?> texts, CancellationTokenSource abandoned)
    {
        await abandoned.CancelAsync();
        foreach (var text in texts)
            if (text is not null) await ((Task)text.Result).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <param name="submit">Gives the scheduler a request's texts; returns the first.</param>
    private async Task WaitForTurn(Func<Generation?> submit)
    {
        if (Interlocked.Increment(ref _waiting) > _maxWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            throw ApiErrorException.Busy(_maxWaiting);
        }
        try
        {
            _metrics.AddWaiting(1);
            if (submit() is { } first) await first.Started;
        }
        finally
        {
            _metrics.AddWaiting(-1);
            Interlocked.Decrement(ref _waiting);
        }
    }

    private async Task<GenerationResult> Follow(
        Generation? generation, int choice, IStreamedAnswer answer, StreamBuffer? sent, Lock writing, long arrived, CancellationToken stop)
    {
        var opens = true;
        if (generation is not null) await generation.Started;
        var started = Stopwatch.GetTimestamp();
        if (generation is not null && sent is not null)
        {
            var last = 0L;
            await foreach (var piece in generation.ReadAllAsync(CancellationToken.None))       // they end with the text
            {
                if (piece.Token is null)
                {
                    if (last > 0) _metrics.AddPiece(last);
                    last = Stopwatch.GetTimestamp();
                }
                if (piece.Token is { } token) lock (writing) answer.Add(choice, token);
                else await Send(() => answer.Piece(choice, piece.Text), sent);
            }
        }
        var result = generation is null ? Nothing : await generation.Result;
        _metrics.AddFinished(result, arrived, started);
        if (sent is null) return result;
        await Send(() => answer.Closing(choice, result), sent);
        return result;

        // Events of one moment go as one piece, so that only what waited before them counts against the client.
        Task Send(Func<IEnumerable<string>> events, StreamBuffer to)
        {
            if (opens) return to.Open(() => Joined(events), stop);
            lock (writing)
            {
                if (string.Join("\n\n", events()) is { Length: > 0 } piece) to.Write(piece);
            }
            return Task.CompletedTask;
        }

        string Joined(Func<IEnumerable<string>> events)
        {
            lock (writing)
            {
                var piece = string.Join("\n\n", events());
                opens = piece.Length == 0;
                return piece;
            }
        }
    }

    /// <summary>All results, or the first failure as soon as it comes.</summary>
    private static async Task<IReadOnlyList<GenerationResult>> All(IReadOnlyList<Task<GenerationResult>> choices)
    {
        await foreach (var finished in Task.WhenEach(choices)) await finished;
        return await Task.WhenAll(choices);
    }

    /// <summary>The prompt alone was asked for.</summary>
    private static GenerationResult Nothing { get; } = new("", [], FinishReason.Length, new GenerationStatistics(0, 0, 0, 0));
}
