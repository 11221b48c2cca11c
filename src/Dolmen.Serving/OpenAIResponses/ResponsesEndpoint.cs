using Dolmen.Artifacts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Dolmen.Serving.OpenAIResponses;

/// <summary>OpenAI's <c>/v1/responses</c>. Nothing is stored: a conversation comes whole with each request.</summary>
internal sealed class ResponsesEndpoint(ModelCatalog catalog, AnswerStream stream, TimeProvider clock)
{
    private readonly long _started = clock.GetUtcNow().ToUnixTimeSeconds();
    private long _requests;

    public void Map(WebApplication app) => app.MapPost("/v1/responses", Respond);

    private async Task Respond(HttpContext http)
    {
        var number = Interlocked.Increment(ref _requests);
        using var body = await ModelRequest.Read(http, catalog);
        var request = body.As((json, served) => ResponsesRequest.Of(json, served, number, clock.GetUtcNow().ToUnixTimeSeconds(),
            defaultSeed: StableHash.Of($"{_started} {number}")));
        var answer = new ResponsesAnswer(body.Served, request);
        if (request.Chat.Stream)
        {
            await stream.Send(http, body.Engine, request.Chat, answer);
            return;
        }
        var results = await body.Engine.Generate(request.Chat, answer, null, http.RequestAborted);
        await HttpAnswers.Json(http, answer.Complete(results[0]), ServingJson.Plain.Response);
    }
}
