using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Serving.Embeddings;
using Dolmen.Serving.LlamaCpp;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Dolmen.Serving;

/// <summary>OpenAI's endpoints over the models of a catalog.</summary>
internal sealed class CompletionEndpoints(ModelCatalog catalog, ServerMetrics metrics, TimeProvider clock, Action<string> log)
{
    /// <summary>Characters that may wait for the client of a stream.</summary>
    private const int MaxStreamHeld = 1 << 20;

    private readonly long _started = clock.GetUtcNow().ToUnixTimeSeconds();
    private long _requests;

    public void Map(WebApplication app)
    {
        app.MapMethods("/health", Reading, http => Respond(http, "application/json", """{"status":"ok"}"""));
        app.MapMethods("/metrics", Reading, http => Respond(http, "text/plain; version=0.0.4", metrics.Text()));
        app.MapMethods("/v1/models/{**id}", Reading, Model);
        app.MapPost("/v1/completions", http => Complete(http, chat: false));
        app.MapPost("/v1/chat/completions", http => Complete(http, chat: true));
        new EmbeddingEndpoint(catalog).Map(app);
        new TextEndpoints(catalog).Map(app);
        new StatusEndpoints(catalog).Map(app);
    }

    private static string[] Reading => [HttpMethods.Get, HttpMethods.Head];

    private ModelEntry Entry((string Name, string State, int? ContextLength) model) =>
        new(model.Name, "model", _started, "dolmen", model.ContextLength, new ModelStatus(model.State));

    private static Task Respond(HttpContext http, string contentType, string body)
    {
        http.Response.ContentType = contentType;
        return http.Response.WriteAsync(body, http.RequestAborted);
    }

    private Task Model(HttpContext http)
    {
        var name = NameIn(http);
        var models = catalog.All();
        if (name.Length == 0)
        {
            var list = new ModelList("list", [.. models.Select(Entry)]);
            return Respond(http, "application/json", JsonSerializer.Serialize(list, ServingJson.Plain.ModelList));
        }
        foreach (var model in models.Where(model => model.Name == name))
            return Respond(http, "application/json", JsonSerializer.Serialize(Entry(model), ServingJson.Plain.ModelEntry));
        throw catalog.Unknown(name);
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
        using var body = await ModelRequest.Read(http, catalog);
        var request = body.As((json, served) =>
            CompletionRequest.Of(json, served, chat, defaultSeed: StableHash.Of($"{_started} {number}")));
        var answer = new CompletionAnswer(body.Served, request, number, clock.GetUtcNow().ToUnixTimeSeconds());
        if (request.Stream)
        {
            await Stream(http, body.Engine, request, answer);
            return;
        }
        var results = await body.Engine.Generate(request, answer, null, http.RequestAborted);
        await Respond(http, "application/json", answer.Complete(results));
    }

    private async Task Stream(HttpContext http, ServingEngine engine, CompletionRequest request, CompletionAnswer answer)
    {
        var pieces = new StreamBuffer(MaxStreamHeld);
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
            await Send(http, JsonSerializer.Serialize(new ApiErrorBody(told), ServingJson.Plain.ApiErrorBody));
            return;
        }
        foreach (var usage in answer.Usage(results)) await Send(http, usage);
        await Send(http, "[DONE]");

        async Task<IReadOnlyList<GenerationResult>> Generate()
        {
            try
            {
                return await engine.Generate(request, answer, pieces.Write, http.RequestAborted);
            }
            finally
            {
                pieces.Complete();
            }
        }
    }

    private static async Task Send(HttpContext http, string data)
    {
        await http.Response.WriteAsync($"data: {data}\n\n", http.RequestAborted);
        await http.Response.Body.FlushAsync(http.RequestAborted);
    }
}
