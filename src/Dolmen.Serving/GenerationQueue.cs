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
    public async Task<GenerationResult> Generate(CompletionRequest request, Action<string> onText, CancellationToken stop)
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
            var result = await Task.Run(() => _generator.Generate(request.Prompt, request.Generation, onText, stop),
                CancellationToken.None);
            metrics.Finished(result);
            return result;
        }
        finally
        {
            metrics.Running(-1);
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();
}
