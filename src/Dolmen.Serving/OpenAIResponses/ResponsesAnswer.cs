using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Serving.Tools;

namespace Dolmen.Serving.OpenAIResponses;

/// <summary>Writes the answer to a request to <c>/v1/responses</c>: a list of items, each a message or a call, whole or as typed events.
/// The whole answer is what the events add up to.</summary>
internal sealed class ResponsesAnswer(ServedModel served, ResponsesRequest request) : IStreamedAnswer
{
    private const string Whole = "completed";

    private readonly List<ResponseItem> _output = [];
    private readonly TokenReport _report = new(served.Tokenizer, request.Chat.Generation.ShowSpecial);
    private readonly ToolCallReader? _calls = request.Chat.Tools?.Reader();
    private readonly List<TokenLogprob> _unsent = [];
    private readonly List<ChatLogprob> _logprobs = [];                   // of the message that is open
    private StringBuilder? _message;                                     // null where none is open
    private bool _begun;
    private int _events;

    public Response Complete(GenerationResult result)
    {
        foreach (var token in result.Logprobs.Take(result.Tokens.Length)) Add(0, token);
        // The events themselves are for nobody.
        foreach (var _ in Piece(0, result.Text).Concat(Closing(0, result))) { }
        return Ended(result);
    }

    public void Add(int choice, TokenLogprob token) => _unsent.Add(token);

    public IEnumerable<string> Piece(int choice, string text) => [.. Begin(),
        .. (_calls?.Add(text) ?? [new AnswerPart(text, null)]).SelectMany(Part)];

    public IEnumerable<string> Closing(int choice, GenerationResult result)
    {
        List<string> events = [.. Begin(), .. (_calls?.Finish() ?? []).SelectMany(Part)];
        if (_message is null && _output.Count == 0) events.AddRange(Open());             // nothing was said: an empty message
        if (_message is not null && _unsent.Count > 0) events.Add(Delta(""));            // tokens that gave no more text
        return [.. events, .. Close(StatusOf(result))];
    }

    public IEnumerable<string> End(IReadOnlyList<GenerationResult> results)
    {
        var response = Ended(results[0]);
        yield return Event($"response.{response.Status}", one => one with { Response = response });
    }

    public string Failed(ApiError error) =>
        Event("error", one => one with { Message = error.Message, Code = error.Code ?? error.Type });

    private Response Ended(GenerationResult result)
    {
        var (prompt, output) = (request.Chat.Prompts[0].Tokens.Length, result.Tokens.Length);
        return request.Begun with
        {
            Status = StatusOf(result),
            IncompleteDetails = StatusOf(result) == Whole ? null : new IncompleteDetails("max_output_tokens"),
            Output = _output,
            Sources = SourceEntry.Of(result.Text, request.Chat.Passages),
            Usage = new ResponseUsage(
                prompt, new InputDetails(result.Statistics.CachedTokens), output, new OutputDetails(0), prompt + output),
        };
    }

    /// <summary>Of the answer, and of the message that it ends with.</summary>
    private static string StatusOf(GenerationResult result) => result.FinishReason == FinishReason.Stop ? Whole : "incomplete";

    private IEnumerable<string> Begin()
    {
        if (_begun) return [];
        _begun = true;
        return [.. ((string[])["response.created", "response.in_progress"])
            .Select(name => Event(name, one => one with { Response = request.Begun }))];
    }

    private IEnumerable<string> Part(AnswerPart part)
    {
        if (part.Call is { } call) return [.. Close(Whole), .. Call(call)];
        if (part.Text is not { Length: > 0 } text) return [];
        List<string> events = [.. _message is null ? Open() : []];
        _message!.Append(text);
        events.Add(Delta(text));
        return events;
    }

    private string Delta(string text)
    {
        var sent = _report.Chat(_unsent).Content;
        _unsent.Clear();
        _logprobs.AddRange(sent);
        return Event("response.output_text.delta",
            one => one with { ItemId = MessageId, OutputIndex = _output.Count, ContentIndex = 0, Delta = text, Logprobs = sent });
    }

    private IEnumerable<string> Open()
    {
        _message = new StringBuilder();
        return
        [
            Event("response.output_item.added", one => one with
            {
                OutputIndex = _output.Count, Item = new ResponseItem(MessageId, "message", "in_progress", "assistant", []),
            }),
            Event("response.content_part.added", one => one with
            {
                ItemId = MessageId, OutputIndex = _output.Count, ContentIndex = 0, Part = new ResponsePart("output_text", "", [], []),
            }),
        ];
    }

    /// <summary>The end of the message that is open.</summary>
    private IEnumerable<string> Close(string status)
    {
        if (_message is null) return [];
        var part = new ResponsePart("output_text", _message.ToString(), [], [.. _logprobs]);
        var item = new ResponseItem(MessageId, "message", status, "assistant", [part]);
        var index = _output.Count;
        _message = null;
        _logprobs.Clear();
        _output.Add(item);
        return
        [
            Event("response.output_text.done", one => one with
            {
                ItemId = item.Id, OutputIndex = index, ContentIndex = 0, Text = part.Text, Logprobs = part.Logprobs,
            }),
            Event("response.content_part.done",
                one => one with { ItemId = item.Id, OutputIndex = index, ContentIndex = 0, Part = part }),
            Event("response.output_item.done", one => one with { OutputIndex = index, Item = item }),
        ];
    }

    private IEnumerable<string> Call(ToolCall call)
    {
        var index = _output.Count;
        var item = new ResponseItem(
            Id("fc"), "function_call", Whole, CallId: Id("call"), Name: call.Name, Arguments: call.Arguments);
        _output.Add(item);
        return
        [
            Event("response.output_item.added",
                one => one with { OutputIndex = index, Item = item with { Status = "in_progress", Arguments = "" } }),
            Event("response.function_call_arguments.delta",
                one => one with { ItemId = item.Id, OutputIndex = index, Delta = call.Arguments }),
            Event("response.function_call_arguments.done",
                one => one with { ItemId = item.Id, OutputIndex = index, Name = call.Name, Arguments = call.Arguments }),
            Event("response.output_item.done", one => one with { OutputIndex = index, Item = item }),
        ];
    }

    private string MessageId => Id("msg");

    /// <summary>Of the item that comes next.</summary>
    private string Id(string kind) => $"{kind}_{StableHash.Sha256($"{request.Begun.Id} {kind} {_output.Count}")[..24]}";

    private string Event(string type, Func<ResponseEvent, ResponseEvent> with) =>
        $"event: {type}\ndata: {JsonSerializer.Serialize(with(new ResponseEvent(type, _events++)), ServingJson.Plain.ResponseEvent)}";
}
