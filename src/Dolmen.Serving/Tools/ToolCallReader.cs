using System.Text;
using System.Text.Json;

namespace Dolmen.Serving.Tools;

/// <param name="Arguments">A JSON object as text, as OpenAI's interface has it.</param>
internal sealed record ToolCall(string Name, string Arguments);

/// <summary>Part of an answer: text, or a call.</summary>
internal readonly record struct AnswerPart(string? Text, ToolCall? Call);

/// <summary>Parts an answer into text and calls as it comes. What looks like a call but cannot be read as one is text.</summary>
/// <param name="tools">Names of the tools; a call of another one is text.</param>
internal sealed class ToolCallReader(ToolStyle style, IReadOnlySet<string> tools)
{
    private static readonly JsonDocumentOptions Depth = new() { MaxDepth = 64 };

    private readonly StringBuilder _held = new();
    private bool _inside;
    private bool _isText;
    private bool _followsCall;
    private int _calls;

    /// <summary>What is certain once this piece has come.</summary>
    public IEnumerable<AnswerPart> Add(string piece)
    {
        _held.Append(piece);
        return style == ToolStyle.Tagged ? Tagged(last: false) : Whole(last: false);
    }

    /// <summary>The rest, when nothing more comes.</summary>
    public IEnumerable<AnswerPart> Finish() => style == ToolStyle.Tagged ? Tagged(last: true) : Whole(last: true);

    private IEnumerable<AnswerPart> Tagged(bool last)
    {
        while (true)
        {
            var held = _held.ToString();
            if (!_inside)
            {
                var (text, rest) = Outside(held, last);
                _held.Clear().Append(rest);
                if (text.Length > 0) yield return new AnswerPart(text, null);
                if (!_inside) yield break;
                continue;
            }
            var close = held.IndexOf(ToolStyles.Close, StringComparison.Ordinal);
            if (close < 0 && !last) yield break;
            var inner = close >= 0 ? held[..close] : held;
            _held.Clear().Append(close >= 0 ? held[(close + ToolStyles.Close.Length)..] : "");
            _inside = false;
            if (Calls(inner) is [var call]) yield return Called(call);
            else yield return new AnswerPart(ToolStyles.Open + inner + (close >= 0 ? ToolStyles.Close : ""), null);
        }
    }

    /// <summary>Text up to a tag, or up to what may become one. The space around calls is not part of the text.</summary>
    private (string Text, string Kept) Outside(string held, bool last)
    {
        var open = held.IndexOf(ToolStyles.Open, StringComparison.Ordinal);
        var end = open >= 0 ? open : last ? held.Length : held.Length - Beginning(held);
        var certain = end;
        if (open >= 0 || !last || _calls > 0)
        {
            while (certain > 0 && char.IsWhiteSpace(held[certain - 1])) certain--;
        }
        var text = held[..certain];
        if (_followsCall) text = text.TrimStart();
        if (text.Length > 0) _followsCall = false;
        _inside = open >= 0;
        return (text, open >= 0 ? held[(open + ToolStyles.Open.Length)..] : last ? "" : held[certain..]);
    }

    private IEnumerable<AnswerPart> Whole(bool last)
    {
        var held = _held.ToString();
        if (!_isText && held.TrimStart() is { Length: > 0 } begun && begun[0] is not ('{' or '[')) _isText = true;
        if (!_isText && !last) yield break;
        _held.Clear();
        if (!_isText && Calls(held) is { Count: > 0 } calls)
        {
            foreach (var call in calls) yield return Called(call);
        }
        else if (held.Length > 0) yield return new AnswerPart(held, null);
    }

    private AnswerPart Called(ToolCall call)
    {
        _calls++;
        _followsCall = true;
        return new AnswerPart(null, call);
    }

    /// <summary>Length of the longest end of the text that begins an opening tag.</summary>
    private static int Beginning(string text)
    {
        for (var length = Math.Min(ToolStyles.Open.Length - 1, text.Length); length > 0; length--)
        {
            if (text.AsSpan(text.Length - length).SequenceEqual(ToolStyles.Open.AsSpan(0, length))) return length;
        }
        return 0;
    }

    /// <summary>Nothing where the text is not one call or a list of calls.</summary>
    private List<ToolCall> Calls(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text.Trim(), Depth);
            var root = document.RootElement;
            var calls = root.ValueKind == JsonValueKind.Array ? root.EnumerateArray().Select(Read).ToList() : [Read(root)];
            return calls.TrueForAll(call => call is not null) ? [.. calls.Select(call => call!)] : [];
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return [];                                                   // damaged JSON, or half a surrogate pair in a name
        }
    }

    private ToolCall? Read(JsonElement call)
    {
        if (call.ValueKind != JsonValueKind.Object || !call.TryGetProperty("name", out var name) || name.ValueKind != JsonValueKind.String
            || !tools.Contains(name.GetString()!))
        {
            return null;
        }
        if (!call.TryGetProperty("arguments", out var arguments) && !call.TryGetProperty("parameters", out arguments))
            return new ToolCall(name.GetString()!, "{}");
        return arguments.ValueKind switch
        {
            JsonValueKind.Object => new ToolCall(name.GetString()!, arguments.GetRawText()),
            JsonValueKind.String => new ToolCall(name.GetString()!, arguments.GetString()!),
            _ => null,
        };
    }
}
