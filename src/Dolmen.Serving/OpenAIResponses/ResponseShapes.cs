using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Dolmen.Serving.OpenAIResponses;

// What OpenAI's /v1/responses answers with, field by field; snake_case by the serializer's policy.

/// <param name="Status">in_progress, completed, or incomplete where a limit ended the text.</param>
internal sealed record Response(
    string Id, string Object, long CreatedAt, string Status, bool Background, ApiError? Error, IncompleteDetails? IncompleteDetails,
    string? Instructions, long? MaxOutputTokens, string Model, IReadOnlyList<ResponseItem> Output, bool ParallelToolCalls,
    string? PreviousResponseId, ResponseReasoning Reasoning, bool Store, double Temperature, JsonNode Text, JsonNode ToolChoice,
    JsonNode Tools, double TopP, string Truncation, ResponseUsage? Usage, JsonNode? User, JsonNode Metadata)
{
    /// <summary>What the model read of its documents before it answered; left out where none were looked at.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<SourceEntry>? Sources { get; init; }
}

internal sealed record IncompleteDetails(string Reason);

internal sealed record ResponseReasoning(string? Effort, string? Summary);

internal sealed record ResponseUsage(
    int InputTokens, InputDetails InputTokensDetails, int OutputTokens, OutputDetails OutputTokensDetails, int TotalTokens);

internal sealed record InputDetails(int CachedTokens);

internal sealed record OutputDetails(int ReasoningTokens);

/// <summary>A message of the assistant (with role and content) or a call (with the last three).</summary>
internal sealed record ResponseItem(
    string Id, string Type, string Status,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Role = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<ResponsePart>? Content = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? CallId = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Name = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Arguments = null);

internal sealed record ResponsePart(string Type, string Text, JsonArray Annotations, IReadOnlyList<ChatLogprob> Logprobs);

/// <summary>An event of a stream; which of the fields it has follows from its type.</summary>
internal sealed record ResponseEvent(string Type, int SequenceNumber)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Response? Response { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? OutputIndex { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ItemId { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ResponseItem? Item { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ContentIndex { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ResponsePart? Part { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Delta { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Text { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ChatLogprob>? Logprobs { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Name { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Arguments { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Message { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Code { get; init; }
}
