using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Inference;

namespace Dolmen.Serving;

/// <summary>Writes one answer in OpenAI's shapes, whole or in pieces.</summary>
internal sealed class CompletionAnswer(ServedModel served, CompletionRequest request, long number, long created)
{
    private readonly string _id = (request.Chat ? "chatcmpl-" : "cmpl-") + StableHash.Sha256($"{served.Name} {created} {number}")[..24];

    public string Whole(GenerationResult result) => request.Chat
        ? JsonSerializer.Serialize(new ChatCompletion(_id, "chat.completion", created, served.Name, served.Fingerprint,
            [new ChatChoice(0, new AssistantMessage("assistant", result.Text, null), null, ReasonOf(result))], UsageOf(result)),
            ServingJson.Default.ChatCompletion)
        : Text(result.Text, ReasonOf(result), UsageOf(result));

    /// <summary>A chat's first piece names the role and holds no text yet.</summary>
    public IEnumerable<string> Opening() => request.Chat ? [Chunk(new ChunkDelta("assistant", ""), null)] : [];

    public string Piece(string text) => request.Chat ? Chunk(new ChunkDelta(Content: text), null) : Text(text, null, null);

    public IEnumerable<string> Closing(GenerationResult result)
    {
        yield return request.Chat ? Chunk(new ChunkDelta(), ReasonOf(result)) : Text("", ReasonOf(result), null);
        if (!request.IncludeUsage) yield break;
        yield return request.Chat
            ? JsonSerializer.Serialize(Chunk([], UsageOf(result)), ServingJson.Default.ChatChunk)
            : JsonSerializer.Serialize(Text([], UsageOf(result)), ServingJson.Default.TextCompletion);
    }

    private static Usage UsageOf(GenerationResult result) =>
        new(result.Statistics.PrefillTokens, result.Tokens.Length, result.Statistics.PrefillTokens + result.Tokens.Length);

    private static string ReasonOf(GenerationResult result) => result.FinishReason == FinishReason.Stop ? "stop" : "length";

    private string Chunk(ChunkDelta delta, string? finishReason) =>
        JsonSerializer.Serialize(Chunk([new ChunkChoice(0, delta, null, finishReason)], null), ServingJson.Default.ChatChunk);

    private ChatChunk Chunk(IReadOnlyList<ChunkChoice> choices, Usage? usage) =>
        new(_id, "chat.completion.chunk", created, served.Name, served.Fingerprint, choices, usage);

    private string Text(string text, string? finishReason, Usage? usage) =>
        JsonSerializer.Serialize(Text([new TextChoice(0, text, null, finishReason)], usage), ServingJson.Default.TextCompletion);

    private TextCompletion Text(IReadOnlyList<TextChoice> choices, Usage? usage) =>
        new(_id, "text_completion", created, served.Name, served.Fingerprint, choices, usage);
}
