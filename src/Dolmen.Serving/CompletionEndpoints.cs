using System.Text.Json;
using System.Threading.Channels;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Dolmen.Serving;

/// <summary>OpenAI's endpoints over one model.</summary>
internal sealed class CompletionEndpoints(ServedModel served, ServingEngine engine, ServerMetrics metrics, TimeProvider clock,
    Action<string> log)
{
    private readonly long _started = clock.GetUtcNow().ToUnixTimeSeconds();
    private long _requests;

    public void Map(WebApplication app)
    {
        app.MapMethods("/health", Reading, http => Respond(http, "application/json", """{"status":"ok"}"""));
        app.MapMethods("/metrics", Reading, http => Respond(http, "text/plain; version=0.0.4", metrics.Text()));
        app.MapMethods("/v1/models/{**id}", Reading, Model);
        app.MapPost("/v1/completions", http => Complete(http, chat: false));
        app.MapPost("/v1/chat/completions", http => Complete(http, chat: true));
    }

    private static string[] Reading => [HttpMethods.Get, HttpMethods.Head];

    private ModelEntry Entry(string name) => new(name, "model", _started, "dolmen", served.Model.Config.ContextLength);

    private static Task Respond(HttpContext http, string contentType, string body)
    {
        http.Response.ContentType = contentType;
        return http.Response.WriteAsync(body, http.RequestAborted);
    }

    private Task Model(HttpContext http)
    {
        var name = NameIn(http);
        if (name.Length == 0)
        {
            var list = new ModelList("list", [Entry(served.Name), .. served.Aliases.Select(Entry)]);
            return Respond(http, "application/json", JsonSerializer.Serialize(list, ServingJson.Plain.ModelList));
        }
        return served.AnswersTo(name)
            ? Respond(http, "application/json", JsonSerializer.Serialize(Entry(name), ServingJson.Plain.ModelEntry))
            : throw ApiErrorException.Refused(
                StatusCodes.Status404NotFound,
                $"The model '{name}' does not exist here: this server has '{served.Name}'.",
                "model_not_found"
            );
    }

    /// <summary>The name as it was sent and then decoded once: the server's own path keeps an encoded slash encoded.</summary>
    private static string NameIn(HttpContext http)
    {
        const string before = "/v1/models/";
        var target = http.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        target = target.Split('?', 2)[0];
        var at = target.IndexOf(before, StringComparison.OrdinalIgnoreCase);
        return at >= 0 ? Uri.UnescapeDataString(target[(at + before.Length)..]) : http.Request.RouteValues["id"] as string ?? "";
    }

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
        var results = await engine.Generate(request, answer, null, http.RequestAborted);
        await Respond(http, "application/json", answer.Complete(results));
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
            await foreach (var piece in pieces.Reader.ReadAllAsync(http.RequestAborted)) await Send(http, piece);
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
            log($"{http.Request.Path} failed while streaming: {error}");
            await Send(http, JsonSerializer.Serialize(new ApiErrorBody(ApiErrors.Internal), ServingJson.Plain.ApiErrorBody));
            return;
        }
        foreach (var usage in answer.Usage(results)) await Send(http, usage);
        await Send(http, "[DONE]");

        async Task<IReadOnlyList<GenerationResult>> Generate()
        {
            try
            {
                return await engine.Generate(request, answer, piece => pieces.Writer.TryWrite(piece), http.RequestAborted);
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
