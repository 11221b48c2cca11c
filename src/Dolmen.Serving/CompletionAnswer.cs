using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Serving.Tools;

namespace Dolmen.Serving;

/// <summary>Writes one answer in OpenAI's shapes, whole or in pieces, of any choice as they come. Choice number i answers prompt i / n. Not
/// thread-safe.</summary>
internal sealed class CompletionAnswer(ServedModel served, CompletionRequest request, long number, long created)
    : IStreamedAnswer
{
    private const string Data = "data: ";

    private readonly string _id = (request.Chat ? "chatcmpl-" : "cmpl-") + StableHash.Sha256($"{served.Name} {created} {number}")[..24];
    private readonly Dictionary<int, StreamedChoice> _streamed = [];

    /// <param name="results">Of each prompt all candidates: they count as usage, whichever are returned.</param>
    public string Complete(IReadOnlyList<GenerationResult> results)
    {
        var (chosen, usage) = (BestOf.Choose(results, request.Candidates, request.Choices), UsageOf(results));
        return request.Chat
            ? JsonSerializer.Serialize(new ChatCompletion(_id, "chat.completion", created, request.Model, served.Fingerprint,
                [.. chosen.Select(Choice)], usage), ServingJson.Plain.ChatCompletion)
            : JsonSerializer.Serialize(Text([.. chosen.Select((result, i) => new TextChoice(i, EchoOf(i) + result.Text,
                TextLogprobs([.. result.PromptLogprobs, .. result.Logprobs]), ReasonOf(result)))], usage),
                ServingJson.Plain.TextCompletion);
    }

    private ChatChoice Choice(GenerationResult result, int choice) =>
        Message(result, choice) with { Sources = SourceEntry.Of(result.Text, request.Passages) };

    private ChatChoice Message(GenerationResult result, int choice)
    {
        var logprobs = ChatLogprobs(LogprobsOf(result));
        if (request.Tools is not { } tools)
            return new ChatChoice(choice, new AssistantMessage("assistant", result.Text, null), logprobs, ReasonOf(result));
        var reader = tools.Reader();
        AnswerPart[] parts = [.. reader.Add(result.Text), .. reader.Finish()];
        var text = string.Concat(parts.Select(part => part.Text));
        ToolCallEntry[] calls = [.. parts.Select(part => part.Call).OfType<ToolCall>()
            .Select((call, i) => Entry(call, choice, i) with { Index = null })];
        return calls.Length == 0 ? new ChatChoice(choice, new AssistantMessage("assistant", text, null), logprobs, ReasonOf(result))
            : new ChatChoice(choice, new AssistantMessage("assistant", text.Length > 0 ? text : null, null, calls), logprobs, "tool_calls");
    }

    private ToolCallEntry Entry(ToolCall call, int choice, int index) =>
        new(index, "call_" + StableHash.Sha256($"{_id} {choice} {index}")[..24], "function", call);

    public void Add(int choice, TokenLogprob token) => Of(choice).Unsent.Add(token);

    public IEnumerable<string> Piece(int choice, string text)
    {
        var streamed = Of(choice);
        foreach (var opening in Opening(choice, streamed)) yield return opening;
        if (streamed.Calls is not null)
        {
            foreach (var part in streamed.Calls.Add(text)) yield return Chunk(choice, Delta(part, choice, streamed), null, Sent(streamed));
        }
        else if (request.Chat) yield return Chunk(choice, new ChunkDelta(Content: text), null, Sent(streamed));
        else yield return Chunk(choice, text, null, SentText(streamed));
    }

    public IEnumerable<string> Closing(int choice, GenerationResult result)
    {
        var streamed = Of(choice);
        foreach (var opening in Opening(choice, streamed)) yield return opening;
        if (!request.Chat && result.StopToken is not null && request.Logprobs is not null) streamed.Unsent.Add(result.Logprobs[^1]);
        foreach (var part in streamed.Calls?.Finish() ?? [])
            yield return Chunk(choice, Delta(part, choice, streamed), null, Sent(streamed));
        yield return request.Chat
            ? Chunk(choice, new ChunkDelta(), streamed.Called > 0 ? "tool_calls" : ReasonOf(result), Sent(streamed),
                SourceEntry.Of(result.Text, request.Passages))
            : Chunk(choice, "", ReasonOf(result), SentText(streamed));
    }

    public IEnumerable<string> End(IReadOnlyList<GenerationResult> results)
    {
        if (request.IncludeUsage || request.IncludeTimings)
        {
            var usage = request.IncludeUsage ? UsageOf(results) : null;
            var timings = request.IncludeTimings ? Timings.Of(results) : null;
            yield return Data + (request.Chat
                ? JsonSerializer.Serialize(Chunk([], usage) with { Timings = timings }, ServingJson.Plain.ChatChunk)
                : JsonSerializer.Serialize(Text([], usage) with { Timings = timings }, ServingJson.Plain.TextCompletion));
        }
        yield return Data + "[DONE]";
    }

    public string Failed(ApiError error) => Data + JsonSerializer.Serialize(new ApiErrorBody(error), ServingJson.Plain.ApiErrorBody);

    private StreamedChoice Of(int choice)
    {
        if (!_streamed.TryGetValue(choice, out var streamed))
            _streamed[choice] = streamed = new StreamedChoice(Report(), request.Tools?.Reader());
        return streamed;
    }

    /// <summary>A chat's first piece names the role and holds no text yet; an echo's is the prompt.</summary>
    private IEnumerable<string> Opening(int choice, StreamedChoice streamed)
    {
        if (streamed.IsOpen) yield break;
        streamed.IsOpen = true;
        if (request.Chat) yield return Chunk(choice, new ChunkDelta("assistant", ""), null, null);
        else if (request.Echo) yield return Chunk(choice, EchoOf(choice), null, SentText(streamed, PromptOf(choice).Tokens.Length));
    }

    private ChunkDelta Delta(AnswerPart part, int choice, StreamedChoice streamed) => part.Call is { } call
        ? new ChunkDelta(ToolCalls: [Entry(call, choice, streamed.Called++)]) : new ChunkDelta(Content: part.Text);

    private TokenReport Report() => new(served.Tokenizer, request.Generation.ShowSpecial);

    private ChatLogprobs? ChatLogprobs(IReadOnlyList<TokenLogprob> tokens) => request.Logprobs is null ? null : Report().Chat(tokens);

    private TextLogprobs? TextLogprobs(IReadOnlyList<TokenLogprob> tokens) => request.Logprobs is null ? null : Report().Text(tokens);

    private static ChatLogprobs? Sent(StreamedChoice streamed)
    {
        if (streamed.Unsent.Count == 0) return null;
        var sent = streamed.Report.Chat(streamed.Unsent);
        streamed.Unsent.Clear();
        return sent;
    }

    private static TextLogprobs? SentText(StreamedChoice streamed, int most = int.MaxValue)
    {
        if (streamed.Unsent.Count == 0) return null;
        var count = Math.Min(most, streamed.Unsent.Count);
        var sent = streamed.Report.Text(streamed.Unsent[..count]);
        streamed.Unsent.RemoveRange(0, count);
        return sent;
    }

    private Prompt PromptOf(int choice) => request.Prompts[choice / request.Choices];

    private string EchoOf(int choice) => request.Echo ? PromptOf(choice).Text : "";

    /// <summary>A chat's tokens; the one that ended it is not among them, as in OpenAI's answers.</summary>
    private static IReadOnlyList<TokenLogprob> LogprobsOf(GenerationResult result) => [.. result.Logprobs.Take(result.Tokens.Length)];

    private Usage UsageOf(IReadOnlyList<GenerationResult> results)
    {
        var (prompt, completion) = (request.Prompts.Sum(one => one.Tokens.Length), results.Sum(result => result.Tokens.Length));
        var (drafted, accepted) =
            (results.Sum(result => result.Statistics.DraftedTokens), results.Sum(result => result.Statistics.AcceptedTokens));
        return new Usage(prompt, completion, prompt + completion)
        {
            CompletionTokensDetails = drafted > 0 ? new CompletionTokensDetails(accepted, drafted - accepted) : null,
        };
    }

    private static string ReasonOf(GenerationResult result) => result.FinishReason == FinishReason.Stop ? "stop" : "length";

    private string Chunk(
        int choice, ChunkDelta delta, string? finishReason, ChatLogprobs? logprobs, IReadOnlyList<SourceEntry>? sources = null) =>
        Data + JsonSerializer.Serialize(
            Chunk([new ChunkChoice(choice, delta, logprobs, finishReason, sources)], null), ServingJson.Plain.ChatChunk);

    private ChatChunk Chunk(IReadOnlyList<ChunkChoice> choices, Usage? usage) =>
        new(_id, "chat.completion.chunk", created, request.Model, served.Fingerprint, choices, usage);

    private string Chunk(int choice, string text, string? finishReason, TextLogprobs? logprobs) =>
        Data + JsonSerializer.Serialize(Text([new TextChoice(choice, text, logprobs, finishReason)], null),
            ServingJson.Plain.TextCompletion);

    private TextCompletion Text(IReadOnlyList<TextChoice> choices, Usage? usage) =>
        new(_id, "text_completion", created, request.Model, served.Fingerprint, choices, usage);

    /// <summary>How far the stream of one choice has come.</summary>
    private sealed class StreamedChoice(TokenReport report, ToolCallReader? calls)
    {
        public List<TokenLogprob> Unsent { get; } = [];

        public TokenReport Report => report;

        public ToolCallReader? Calls => calls;

        public int Called { get; set; }

        public bool IsOpen { get; set; }
    }
}
