using Dolmen.Inference;
using Microsoft.AspNetCore.Http;

namespace Dolmen.Serving;

/// <summary>Sends an answer as server-sent events while it is written.</summary>
/// <param name="log">Gets what went wrong on our side after the stream had begun.</param>
internal sealed class AnswerStream(Action<string> log)
{
    /// <summary>Characters that may wait for the client of a stream.</summary>
    private const int MaxStreamHeld = 1 << 20;

    public async Task Send(HttpContext http, ServingEngine engine, CompletionRequest request, IStreamedAnswer answer)
    {
        http.Features.Set(answer);                                       // an error that ends the stream has the answer's shape
        using var pieces = new StreamBuffer(MaxStreamHeld);
        var generation = Generate();
        try
        {
            // Nothing is sent before the model has begun: a full queue or a failing model is still an error of its own.
            if (!await pieces.Wait(http.RequestAborted)) await generation;
            http.Response.ContentType = "text/event-stream";
            http.Response.Headers.CacheControl = "no-cache";
            await foreach (var piece in pieces.ReadAll(http.RequestAborted)) await Send(http, piece);
        }
        finally
        {
            await ((Task)generation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);       // its texts have stopped
        }
        IReadOnlyList<GenerationResult> results;
        try
        {
            results = await generation;
        }
        catch (Exception error) when (http.Response.HasStarted && error is not OperationCanceledException)
        {
            if (error is not ApiErrorException) log($"{http.Request.Path} failed while streaming: {error}");
            var told = (error as ApiErrorException)?.Error ?? ApiErrors.Internal;
            await Send(http, answer.Failed(told));
            return;
        }
        foreach (var last in answer.End(results)) await Send(http, last);

        async Task<IReadOnlyList<GenerationResult>> Generate()
        {
            try
            {
                return await engine.Generate(request, answer, pieces, http.RequestAborted);
            }
            finally
            {
                pieces.Complete();
            }
        }
    }

    private static async Task Send(HttpContext http, string piece)
    {
        await http.Response.WriteAsync($"{piece}\n\n", http.RequestAborted);
        await http.Response.Body.FlushAsync(http.RequestAborted);
    }
}
