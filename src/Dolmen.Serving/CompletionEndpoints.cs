using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Serving.Embeddings;
using Dolmen.Serving.LlamaCpp;
using Dolmen.Serving.OpenAIResponses;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Dolmen.Serving;

/// <summary>OpenAI's endpoints over the models of a catalog.</summary>
internal sealed class CompletionEndpoints(ModelCatalog catalog, TimeProvider clock, Action<string> log)
{
    private readonly long _started = clock.GetUtcNow().ToUnixTimeSeconds();
    private readonly AnswerStream _stream = new(log);
    private long _requests;

    public void Map(WebApplication app)
    {
        app.MapMethods("/health", Reading, http => Respond(http, "application/json", """{"status":"ok"}"""));
        app.MapMethods("/v1/models/{**id}", Reading, Model);
        app.MapPost("/v1/completions", http => Complete(http, chat: false));
        app.MapPost("/v1/chat/completions", http => Complete(http, chat: true));
        new ResponsesEndpoint(catalog, _stream, clock).Map(app);
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
            await _stream.Send(http, body.Engine, request, answer);
            return;
        }
        var results = await body.Engine.Generate(request, answer, null, http.RequestAborted);
        await Respond(http, "application/json", answer.Complete(results));
    }
}
