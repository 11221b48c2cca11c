using Dolmen.Inference;
using Microsoft.AspNetCore.Http;

namespace Dolmen.Serving;

/// <summary>One model computes one answer at a time; the others wait for their turn.</summary>
internal sealed class GenerationQueue(ServedModel served, int maxWaiting, ServerMetrics metrics) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly Generator _generator = new(served.Model, served.Tokenizer);
    private int _waiting;

    /// <summary>Computes away from the caller's thread. Ends only when the model is free again, so that a cancelled answer cannot overlap
    /// the next one.</summary>
    /// <exception cref="ApiErrorException">Too many wait already.</exception>
    /// <param name="answer">Given each piece as it comes where the request streams, together with <paramref name="send"/>.</param>
    /// <param name="send">Takes what goes to the client; null where nothing goes before the answer is whole.</param>
    public async Task<IReadOnlyList<GenerationResult>> Generate(
        CompletionRequest request, CompletionAnswer answer, Action<string>? send, CancellationToken stop)
    {
        if (Interlocked.Increment(ref _waiting) > maxWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            throw new ApiErrorException(StatusCodes.Status503ServiceUnavailable,
                new ApiError($"The server is busy: {maxWaiting} requests wait already. Try again in a moment.", "server_error", null,
                    "overloaded"));
        }
        try
        {
            metrics.Waiting(1);
            await _turn.WaitAsync(stop);
        }
        finally
        {
            metrics.Waiting(-1);
            Interlocked.Decrement(ref _waiting);
        }
        try
        {
            metrics.Running(1);
            return await Task.Run(() => Choices(request, answer, send, stop), CancellationToken.None);
        }
        finally
        {
            metrics.Running(-1);
            _turn.Release();
        }
    }

    private List<GenerationResult> Choices(CompletionRequest request, CompletionAnswer answer, Action<string>? send, CancellationToken stop)
    {
        var results = new List<GenerationResult>();
        for (var choice = 0; choice < request.Prompts.Count * request.Choices; choice++)
        {
            var (prompt, options) = (request.Prompts[choice / request.Choices], request.OptionsOf(choice % request.Choices));
            var result = options is { MaxTokens: 0, ScorePrompt: false } ? Nothing
                : _generator.Generate(prompt.Tokens, options, send is null ? null : text => Send(answer.Piece(choice, text), send),
                    send is null ? null : answer.Add, stop);
            if (send is not null) Send(answer.Closing(choice, result), send);
            metrics.Finished(result);
            results.Add(result);
        }
        return results;
    }

    /// <summary>The prompt alone was asked for.</summary>
    private static GenerationResult Nothing { get; } = new("", [], FinishReason.Length, new GenerationStatistics(0, 0, 0, 0));

    private static void Send(IEnumerable<string> events, Action<string> send)
    {
        foreach (var one in events) send(one);
    }

    public void Dispose() => _turn.Dispose();
}
