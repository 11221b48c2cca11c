using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Dolmen.Serving.Embeddings;

/// <summary>OpenAI's <c>/v1/embeddings</c>. The texts go through the model's passes together with those that are being generated.</summary>
internal sealed class EmbeddingEndpoint(ModelCatalog catalog)
{
    public void Map(WebApplication app) => app.MapPost("/v1/embeddings", Embed);

    private async Task Embed(HttpContext http)
    {
        using var body = await ModelRequest.Read(http, catalog);
        var request = body.As(EmbeddingRequest.Of);
        var results = await body.Engine.Embed(request, http.RequestAborted);
        var tokens = request.Inputs.Sum(input => input.Tokens.Length);
        var entries = results.Select((result, i) => new EmbeddingEntry(
            "embedding", i, new EmbeddingVector(EmbeddingVector.Normalized(result.Pooled, request.Dimensions), request.Base64)));
        await HttpAnswers.Json(http, new EmbeddingList("list", [.. entries], request.Model, new EmbeddingUsage(tokens, tokens)),
            ServingJson.Plain.EmbeddingList);
    }
}
