using System.Text;

namespace Dolmen.Tokenization;

/// <summary>
/// Turns tokens into text as they come. A token may end in the middle of a UTF-8 character: those bytes wait for the next token, so
/// that what was said never has to be taken back. All pieces together are what <see cref="Tokenizer.Decode"/> gives.
/// </summary>
/// <param name="tokenizer">Whose tokens.</param>
/// <param name="skipSpecial">Special tokens give no text.</param>
/// <param name="atStart">The tokens begin a text; false where they continue one that was encoded before.</param>
public sealed class StreamingDecoder(Tokenizer tokenizer, bool skipSpecial = true, bool atStart = true)
{
    private bool _atStart = atStart && tokenizer.DropsLeadingSpace;
    private readonly Decoder _utf8 = Encoding.UTF8.GetDecoder();

    public string Add(int token)
    {
        var bytes = tokenizer.BytesOf(token);
        if (tokenizer.IsSpecial(token)) return skipSpecial ? "" : Text(bytes, flush: false);
        return Text(Tokenizer.WithoutPrefix(bytes, ref _atStart), flush: false);
    }

    /// <summary>What still waits, an unfinished character as U+FFFD. The decoder can be used anew afterwards.</summary>
    public string Flush() => Text([], flush: true);

    private string Text(ReadOnlySpan<byte> bytes, bool flush)
    {
        var chars = new char[Encoding.UTF8.GetMaxCharCount(bytes.Length) + 4];
        return new string(chars, 0, _utf8.GetChars(bytes, chars, flush));
    }
}
