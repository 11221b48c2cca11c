using System.Text.Json;
using System.Threading.Channels;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Dolmen.Serving;

/// <summary>OpenAI's endpoints over one model.</summary>
internal sealed class CompletionEndpoints(ServedModel served, GenerationQueue queue, ServerMetrics metrics, TimeProvider clock,
    Action<string> log)
{
    private readonly long _started = clock.GetUtcNow().ToUnixTimeSeconds();
    private long _requests;

    public void Map(WebApplication app)
    {
        app.MapGet("/health", http => Respond(http, "application/json", """{"status":"ok"}"""));
        app.MapGet("/metrics", http => Respond(http, "text/plain; version=0.0.4", metrics.Text()));
        app.MapGet("/v1/models", http => Respond(http, "application/json",
            JsonSerializer.Serialize(new ModelList("list", [Entry]), ServingJson.Default.ModelList)));
        app.MapGet("/v1/models/{**id}", Model);
        app.MapPost("/v1/completions", http => Complete(http, chat: false));
        app.MapPost("/v1/chat/completions", http => Complete(http, chat: true));
    }

    private ModelEntry Entry => new(served.Name, "model", _started, "dolmen", served.Model.Config.ContextLength);

    private static Task Respond(HttpContext http, string contentType, string body)
    {
        http.Response.ContentType = contentType;
        return http.Response.WriteAsync(body, http.RequestAborted);
    }

    private Task Model(HttpContext http) => http.Request.RouteValues["id"] is string id && id == served.Name
        ? Respond(http, "application/json", JsonSerializer.Serialize(Entry, ServingJson.Default.ModelEntry))
        : throw ApiErrorException.Refused(StatusCodes.Status404NotFound,
            $"The model '{http.Request.RouteValues["id"]}' does not exist here: this server has '{served.Name}'.", "model_not_found");

    private async Task Complete(HttpContext http, bool chat)
    {
        var number = Interlocked.Increment(ref _requests);
        var request = await CompletionRequest.Read(http, served, chat, defaultSeed: StableHash.Of($"{_started} {number}"));
        var answer = new CompletionAnswer(served, request, number, clock.GetUtcNow().ToUnixTimeSeconds());
        if (request.Stream)
        {
            await Stream(http, request, answer);
            return;
        }
        var result = await queue.Generate(request, _ => { }, http.RequestAborted);
        await Respond(http, "application/json", answer.Whole(result));
    }

    private async Task Stream(HttpContext http, CompletionRequest request, CompletionAnswer answer)
    {
        var pieces = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        var generation = Generate();
        try
        {
            // Nothing is sent before the model has begun: a full queue or a failing model is still an error of its own.
            if (!await pieces.Reader.WaitToReadAsync(http.RequestAborted)) await generation;
            http.Response.ContentType = "text/event-stream";
            http.Response.Headers.CacheControl = "no-cache";
            foreach (var opening in answer.Opening()) await Send(http, opening);
            await foreach (var piece in pieces.Reader.ReadAllAsync(http.RequestAborted)) await Send(http, answer.Piece(piece));
        }
        finally
        {
            await ((Task)generation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);       // the model is free again
        }
        GenerationResult result;
        try
        {
            result = await generation;
        }
        catch (Exception error) when (http.Response.HasStarted && error is not OperationCanceledException)
        {
            log($"{http.Request.Path} failed while streaming: {error}");
            await Send(http, JsonSerializer.Serialize(new ApiErrorBody(ApiErrors.Internal), ServingJson.Default.ApiErrorBody));
            return;
        }
        foreach (var closing in answer.Closing(result)) await Send(http, closing);
        await Send(http, "[DONE]");

        async Task<GenerationResult> Generate()
        {
            try
            {
                return await queue.Generate(request, piece => pieces.Writer.TryWrite(piece), http.RequestAborted);
            }
            finally
            {
                pieces.Writer.Complete();
            }
        }
    }

    private static async Task Send(HttpContext http, string data)
    {
        await http.Response.WriteAsync($"data: {data}\n\n", http.RequestAborted);
        await http.Response.Body.FlushAsync(http.RequestAborted);
    }
}
