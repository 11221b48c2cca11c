using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Dolmen.Serving.Embeddings;
using Dolmen.Serving.LlamaCpp;
using Dolmen.Serving.OpenAIResponses;
using Dolmen.Serving.Tools;

namespace Dolmen.Serving;

// What OpenAI's API answers with, field by field; snake_case by the serializer's policy.

internal sealed record ModelList(string Object, IReadOnlyList<ModelEntry> Data);

/// <param name="MaxModelLen">Tokens of the context; left out until the model was loaded.</param>
internal sealed record ModelEntry(
    string Id, string Object, long Created, string OwnedBy,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? MaxModelLen, ModelStatus Status);

/// <param name="Value">As llama.cpp's server says it: loaded, loading or unloaded.</param>
internal sealed record ModelStatus(string Value);

internal sealed record Usage(int PromptTokens, int CompletionTokens, int TotalTokens)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CompletionTokensDetails? CompletionTokensDetails { get; init; }
}

/// <param name="AcceptedPredictionTokens">Tokens of the answers that were guessed before they were computed.</param>
/// <param name="RejectedPredictionTokens">Guesses that were wrong.</param>
internal sealed record CompletionTokensDetails(int AcceptedPredictionTokens, int RejectedPredictionTokens);

internal sealed record TextCompletion(
    string Id, string Object, long Created, string Model, string SystemFingerprint, IReadOnlyList<TextChoice> Choices,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Usage? Usage)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Timings? Timings { get; init; }
}

internal sealed record TextChoice(int Index, string Text, TextLogprobs? Logprobs, string? FinishReason);

/// <param name="TextOffset">Where each token begins in the text, in UTF-16 units.</param>
/// <param name="TopLogprobs">The likeliest tokens at each place and the one that stands there; null before a first token.</param>
internal sealed record TextLogprobs(
    IReadOnlyList<int> TextOffset, IReadOnlyList<double?> TokenLogprobs, IReadOnlyList<string> Tokens,
    IReadOnlyList<IReadOnlyDictionary<string, double>?> TopLogprobs);

internal sealed record ChatCompletion(
    string Id, string Object, long Created, string Model, string SystemFingerprint, IReadOnlyList<ChatChoice> Choices, Usage Usage);

/// <param name="Sources">What the model read before it answered; left out where no documents were looked at.</param>
internal sealed record ChatChoice(int Index, AssistantMessage Message, ChatLogprobs? Logprobs, string FinishReason,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<SourceEntry>? Sources = null);

/// <param name="Content">Null where the answer is nothing but calls.</param>
internal sealed record AssistantMessage(string Role, string? Content, string? Refusal,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<ToolCallEntry>? ToolCalls = null);

/// <param name="Index">Only in the pieces of a streamed answer.</param>
internal sealed record ToolCallEntry(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Index, string Id, string Type, ToolCall Function);

internal sealed record ChatLogprobs(IReadOnlyList<ChatLogprob> Content, IReadOnlyList<ChatLogprob>? Refusal);

internal sealed record ChatLogprob(string Token, double Logprob, IReadOnlyList<int> Bytes,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<ChatLogprob>? TopLogprobs);

internal sealed record ChatChunk(
    string Id, string Object, long Created, string Model, string SystemFingerprint, IReadOnlyList<ChunkChoice> Choices,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Usage? Usage)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Timings? Timings { get; init; }
}

/// <param name="Sources">With the reason why the choice ended.</param>
internal sealed record ChunkChoice(int Index, ChunkDelta Delta, ChatLogprobs? Logprobs, string? FinishReason,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<SourceEntry>? Sources = null);

internal sealed record ChunkDelta(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Role = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Content = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<ToolCallEntry>? ToolCalls = null);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(ModelEntry))]
[JsonSerializable(typeof(TextCompletion))]
[JsonSerializable(typeof(ChatCompletion))]
[JsonSerializable(typeof(ChatChunk))]
[JsonSerializable(typeof(ApiErrorBody))]
[JsonSerializable(typeof(EmbeddingList))]
[JsonSerializable(typeof(Response))]
[JsonSerializable(typeof(ResponseEvent))]
[JsonSerializable(typeof(TokenList))]
[JsonSerializable(typeof(TokenPiece))]
[JsonSerializable(typeof(DetokenizedText))]
[JsonSerializable(typeof(AppliedTemplate))]
[JsonSerializable(typeof(ServerProps))]
[JsonSerializable(typeof(IReadOnlyList<SlotEntry>), TypeInfoPropertyName = "Slots")]
[JsonSerializable(typeof(JsonArray))]
[JsonSerializable(typeof(JsonObject))]
[JsonSerializable(typeof(Dictionary<string, object?>), TypeInfoPropertyName = "DictionaryStringObject")]
[JsonSerializable(typeof(string[]))]
internal sealed partial class ServingJson : JsonSerializerContext
{
    /// <summary>Writes text as it is: an answer is JSON for a program, never part of a page.</summary>
    public static ServingJson Plain { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
