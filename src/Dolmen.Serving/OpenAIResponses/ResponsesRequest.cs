using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;

namespace Dolmen.Serving.OpenAIResponses;

/// <summary>A checked request to <c>/v1/responses</c>.</summary>
/// <param name="Chat">What it asks for in the terms of a chat.</param>
/// <param name="Begun">The response before there is anything in it: the request's own fields are repeated.</param>
internal sealed record ResponsesRequest(CompletionRequest Chat, Response Begun)
{
    /// <param name="number">Of the request, from which the response's name follows.</param>
    public static ResponsesRequest Of(JsonElement body, ServedModel served, long number, long created, ulong defaultSeed)
    {
        var chat = JsonSerializer.SerializeToElement(ResponsesBody.Of(body), ServingJson.Default.JsonObject);
        CompletionRequest request;
        try
        {
            request = CompletionRequest.Of(chat, served, chat: true, defaultSeed);
        }
        catch (ApiErrorException error)
        {
            throw ResponsesBody.InOwnNames(error);
        }
        catch (UserErrorException error)
        {
            throw ResponsesBody.InOwnNames(ApiErrorException.Invalid(served.WithoutPaths(error.Message)));
        }
        var (fields, sampling) = (new RequestFields(body), request.Generation.Sampling);
        var text = Node(fields["text"]) as JsonObject ?? [];
        text["format"] ??= new JsonObject { ["type"] = "text" };
        return new ResponsesRequest(request, new Response(
            $"resp_{StableHash.Sha256($"{served.Name} {created} {number}")[..24]}", "response", created, "in_progress", Background: false,
            Error: null, IncompleteDetails: null, fields.Text("instructions"), fields.Integer("max_output_tokens", 1, int.MaxValue),
            request.Model, Output: [], fields.Flag("parallel_tool_calls") ?? true, PreviousResponseId: null,
            new ResponseReasoning(null, null), Store: false, sampling.Temperature, text, Node(fields["tool_choice"]) ?? "auto",
            Node(fields["tools"]) ?? new JsonArray(), sampling.TopP, "disabled", Usage: null, Node(fields["user"]),
            Node(fields["metadata"]) ?? new JsonObject()));
    }

    private static JsonNode? Node(JsonElement? element) => element is { } value ? JsonNode.Parse(value.GetRawText()) : null;
}
