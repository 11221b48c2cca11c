using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Serving.Tools;

namespace Dolmen.Serving;

/// <summary>Writes one answer in OpenAI's shapes, whole or in pieces. Choice number i answers prompt i / n.</summary>
internal sealed class CompletionAnswer(ServedModel served, CompletionRequest request, long number, long created)
{
    private readonly string _id = (request.Chat ? "chatcmpl-" : "cmpl-") + StableHash.Sha256($"{served.Name} {created} {number}")[..24];
    private readonly List<TokenLogprob> _unsent = [];
    private ToolCallReader? _calls;
    private int _called;
    private TokenReport? _report;
    private int _opened = -1;

    public string Complete(IReadOnlyList<GenerationResult> results) => request.Chat
        ? JsonSerializer.Serialize(new ChatCompletion(_id, "chat.completion", created, request.Model, served.Fingerprint,
            [.. results.Select(Choice)], UsageOf(results)), ServingJson.Plain.ChatCompletion)
        : JsonSerializer.Serialize(Text([.. results.Select((result, i) => new TextChoice(i, EchoOf(i) + result.Text,
            TextLogprobs([.. result.PromptLogprobs, .. result.Logprobs]), ReasonOf(result)))], UsageOf(results)),
            ServingJson.Plain.TextCompletion);

    private ChatChoice Choice(GenerationResult result, int choice)
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

    /// <summary>Kept until the next piece of text goes out.</summary>
    public void Add(TokenLogprob token) => _unsent.Add(token);

    /// <summary>What is sent for a piece of a choice's text; the first one of a choice also opens it.</summary>
    public IEnumerable<string> Piece(int choice, string text)
    {
        foreach (var opening in Opening(choice)) yield return opening;
        if (_calls is not null)
        {
            foreach (var part in _calls.Add(text)) yield return Chunk(choice, Delta(part, choice), null, Sent());
        }
        else yield return request.Chat ? Chunk(choice, new ChunkDelta(Content: text), null, Sent()) : Chunk(choice, text, null, SentText());
    }

    private ChunkDelta Delta(AnswerPart part, int choice) => part.Call is { } call
        ? new ChunkDelta(ToolCalls: [Entry(call, choice, _called++)]) : new ChunkDelta(Content: part.Text);

    /// <summary>What is sent when a choice is complete.</summary>
    public IEnumerable<string> Closing(int choice, GenerationResult result)
    {
        foreach (var opening in Opening(choice))
            yield return opening;
        if (!request.Chat && result.StopToken is not null && request.Logprobs is not null)
            _unsent.Add(result.Logprobs[^1]);
        foreach (var part in _calls?.Finish() ?? []) yield return Chunk(choice, Delta(part, choice), null, Sent());
        yield return request.Chat
            ? Chunk(choice, new ChunkDelta(), _called > 0 ? "tool_calls" : ReasonOf(result), Sent())
            : Chunk(choice, "", ReasonOf(result), SentText());
    }

    /// <summary>What is sent when all choices are.</summary>
    public IEnumerable<string> Usage(IReadOnlyList<GenerationResult> results)
    {
        if (request is { IncludeUsage: false, IncludeTimings: false }) yield break;
        var usage = request.IncludeUsage ? UsageOf(results) : null;
        var timings = request.IncludeTimings ? Timings.Of(results) : null;
        yield return request.Chat
            ? JsonSerializer.Serialize(Chunk([], usage) with { Timings = timings }, ServingJson.Plain.ChatChunk)
            : JsonSerializer.Serialize(Text([], usage) with { Timings = timings }, ServingJson.Plain.TextCompletion);
    }

    /// <summary>A chat's first piece names the role and holds no text yet; an echo's is the prompt.</summary>
    private IEnumerable<string> Opening(int choice)
    {
        if (choice == _opened) yield break;
        (_opened, _calls, _called) = (choice, request.Tools?.Reader(), 0);
        _report = Report();
        if (request.Chat) yield return Chunk(choice, new ChunkDelta("assistant", ""), null, null);
        else if (request.Echo) yield return Chunk(choice, EchoOf(choice), null, SentText(PromptOf(choice).Tokens.Length));
    }

    private TokenReport Report() => new(served.Tokenizer, request.Generation.ShowSpecial);

    private ChatLogprobs? ChatLogprobs(IReadOnlyList<TokenLogprob> tokens) => request.Logprobs is null ? null : Report().Chat(tokens);

    private TextLogprobs? TextLogprobs(IReadOnlyList<TokenLogprob> tokens) => request.Logprobs is null ? null : Report().Text(tokens);

    private ChatLogprobs? Sent()
    {
        if (_unsent.Count == 0) return null;
        var sent = (_report ??= Report()).Chat(_unsent);
        _unsent.Clear();
        return sent;
    }

    private TextLogprobs? SentText(int most = int.MaxValue)
    {
        if (_unsent.Count == 0) return null;
        var count = Math.Min(most, _unsent.Count);
        var sent = (_report ??= Report()).Text(_unsent[..count]);
        _unsent.RemoveRange(0, count);
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

    private string Chunk(int choice, ChunkDelta delta, string? finishReason, ChatLogprobs? logprobs) =>
        JsonSerializer.Serialize(Chunk([new ChunkChoice(choice, delta, logprobs, finishReason)], null), ServingJson.Plain.ChatChunk);

    private ChatChunk Chunk(IReadOnlyList<ChunkChoice> choices, Usage? usage) =>
        new(_id, "chat.completion.chunk", created, request.Model, served.Fingerprint, choices, usage);

    private string Chunk(int choice, string text, string? finishReason, TextLogprobs? logprobs) =>
        JsonSerializer.Serialize(Text([new TextChoice(choice, text, logprobs, finishReason)], null), ServingJson.Plain.TextCompletion);

    private TextCompletion Text(IReadOnlyList<TextChoice> choices, Usage? usage) =>
        new(_id, "text_completion", created, request.Model, served.Fingerprint, choices, usage);
}
