using System.Text;

namespace Dolmen.Tokenization;

/// <summary>
/// Turns tokens into text as they come. A token may end in the middle of a UTF-8 character: those bytes wait for the next token, so
/// that what was said never has to be taken back. All pieces together are what <see cref="Tokenizer.Decode"/> gives; only where byte tokens
/// are not UTF-8 may characters before the damage already have been said that the decoder of a tokenizer.json would drop.
/// </summary>
public sealed class StreamingDecoder
{
    private readonly Tokenizer _tokenizer;
    private readonly bool _skipSpecial;
    private readonly Decoder _utf8 = Encoding.UTF8.GetDecoder();
    private readonly List<int>? _tokens;         // of the whole text, where a token's text depends on others
    private bool _atStart;
    private int _said;

    /// <param name="tokenizer">Whose tokens.</param>
    /// <param name="skipSpecial">Special tokens give no text.</param>
    /// <param name="atStart">The tokens begin a text; false where they continue one that was encoded before.</param>
    public StreamingDecoder(Tokenizer tokenizer, bool skipSpecial = true, bool atStart = true)
    {
        (_tokenizer, _skipSpecial) = (tokenizer, skipSpecial);
        _atStart = atStart && tokenizer.DropsLeadingSpace;
        if (tokenizer.Steps is { IsLocal: false }) (_tokens, _atStart) = ([], atStart);
    }

    public string Add(int token)
    {
        var bytes = _tokenizer.BytesOf(token);
        var special = _tokenizer.IsSpecial(token);
        if (special && _skipSpecial) return "";
        if (_tokens is not null)
        {
            _tokens.Add(token);
            return Rest(flush: false);
        }
        if (!special || _tokenizer.Steps is not null) bytes = Tokenizer.WithoutPrefix(bytes, ref _atStart);
        return Text(bytes, flush: false);
    }

    /// <summary>What still waits, an unfinished character as U+FFFD. The decoder can be used anew afterwards.</summary>
    public string Flush()
    {
        if (_tokens is null) return Text([], flush: true);
        var rest = Rest(flush: true);
        (_said, _atStart) = (0, false);
        _tokens.Clear();
        return rest;
    }

    private string Text(ReadOnlySpan<byte> bytes, bool flush)
    {
        var chars = new char[Encoding.UTF8.GetMaxCharCount(bytes.Length) + 4];
        return new string(chars, 0, _utf8.GetChars(bytes, chars, flush));
    }

    /// <summary>What the whole text has more than was said; the end that later tokens may still change waits.</summary>
    private string Rest(bool flush)
    {
        if (_tokens is not { Count: > 0 } || _tokenizer.Steps is not { } steps) return "";
        var text = steps.Decode(_tokens, _atStart);
        var end = flush ? text.Length : Math.Max(_said, text.Length - steps.Unsettled);
        while (!flush && end > _said && (text[end - 1] == '\uFFFD' || char.IsHighSurrogate(text[end - 1]))) end--;
        if (end <= _said || end > text.Length) return "";
        var more = text[_said..end];
        _said = end;
        return more;
    }
}
