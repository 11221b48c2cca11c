using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>
/// A rendered conversation to tokens. The rule: the text is encoded as a whole with its control tokens, as other software does it, yet a
/// control token counts only where each of its characters was written by the template (or is the name of a control token or a known role).
/// One of which any part came from a message, a tool or a variable is a forgery; the stretch it stands in, from the control token before
/// to the control token after it, is encoded as ordinary text. A conversation without forgeries therefore has exactly the tokens of its
/// whole text. Some vocabularies do not call their marks special ("&lt;｜User｜&gt;", "&lt;think&gt;"), and a tokenizer finds those in any
/// text: one that the template's own text names is cut in two where it holds anything but the template's and the assistant's words.
/// </summary>
internal static class ChatTokens
{
    /// <summary>A part of the text that is encoded in one go.</summary>
    private readonly record struct Piece(int Start, int End, bool ParseControl);

    /// <param name="chat">The text and where it comes from.</param>
    /// <param name="tokenizer">Of the model.</param>
    /// <param name="source">The template's own text.</param>
    /// <param name="learned">Spans of the text whose tokens are to be marked: every token that has a part in one.</param>
    public static TokenizedConversation Encode(RenderedChat chat, Tokenizer tokenizer, string source, IReadOnlyList<TextSpan> learned)
    {
        var names = ControlTokenNames.Of(tokenizer);
        var (tokens, mask) = (new List<int>(chat.Text.Length / 3 + 8), new List<bool>());
        foreach (var piece in Cut(Pieces(chat, names), Marks(chat, names, source)))
        {
            var before = tokens.Count;
            tokenizer.Encode(chat.Text.AsSpan(piece.Start, piece.End - piece.Start), tokens, piece.ParseControl);
            mask.AddRange(Enumerable.Repeat(false, tokens.Count - before));
            Mark(chat.Text, piece, learned, tokenizer, tokens, mask, before);
        }
        return new TokenizedConversation([.. tokens], [.. mask]);
    }

    private static List<Piece> Pieces(RenderedChat chat, ControlTokenNames names)
    {
        var pieces = new List<Piece>();
        var (start, stretch, forged) = (0, 0, false);                    // of the piece, and of the stretch since the last control token
        for (var at = 0; (at = names.Find(chat.Text, at)) >= 0;)
        {
            var name = "";
            var longerForged = false;
            foreach (var candidate in names.At(chat.Text, at))
            {
                if (!Touches(chat.FromData, at, at + candidate.Length))
                {
                    name = candidate;
                    break;
                }
                longerForged = true;
            }
            if (name.Length == 0)
            {
                forged = true;
                at++;
                continue;
            }
            if (forged)
            {
                Add(start, stretch, true);
                Add(stretch, at, false);
                start = at;
            }
            at += name.Length;
            // A longer name would swallow this one: what follows it stays ordinary text.
            (stretch, forged) = (at, longerForged);
        }
        Add(start, forged ? stretch : chat.Text.Length, true);
        if (forged) Add(stretch, chat.Text.Length, false);
        return pieces;

        void Add(int from, int to, bool parse)
        {
            if (to > from) pieces.Add(new Piece(from, to, parse));
        }
    }

    /// <summary>Where marks that others wrote are to be cut in two, in order: beside the first character that is theirs.</summary>
    private static List<int> Marks(RenderedChat chat, ControlTokenNames names, string source)
    {
        var cuts = new List<int>();
        foreach (var name in names.Marks)
        {
            if (!source.Contains(name, StringComparison.Ordinal)) continue;
            for (var at = 0; (at = chat.Text.IndexOf(name, at, StringComparison.Ordinal)) >= 0; at++)
            {
                if (!Touches(chat.FromOthers, at, at + name.Length)) continue;
                var theirs = at;
                while (!Touches(chat.FromOthers, theirs, theirs + 1)) theirs++;
                cuts.Add(theirs > at ? theirs : at + 1);
            }
        }
        cuts.Sort();
        return cuts;
    }

    private static IEnumerable<Piece> Cut(List<Piece> pieces, List<int> cuts)
    {
        var next = 0;
        foreach (var piece in pieces)
        {
            var start = piece.Start;
            for (; next < cuts.Count && cuts[next] < piece.End; next++)
            {
                if (cuts[next] <= start) continue;
                yield return piece with { Start = start, End = cuts[next] };
                start = cuts[next];
            }
            yield return piece with { Start = start };
        }
    }

    private static bool Touches(IReadOnlyList<TextSpan> spans, int start, int end)
    {
        var (low, high) = (0, spans.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (spans[middle].End <= start) low = middle + 1;
            else high = middle;
        }
        return low < spans.Count && spans[low].Start < end;
    }

    /// <summary>Follows the tokens through the text's bytes. A tokenizer may drop white space beside a control token and put a space before
    /// a text; anything else it changes cannot be followed.</summary>
    private static void Mark(
        string text,
        Piece piece,
        IReadOnlyList<TextSpan> learned,
        Tokenizer tokenizer,
        List<int> tokens,
        List<bool> mask,
        int first
    )
    {
        if (!Touches(learned, piece.Start, piece.End)) return;
        var bytes = Encoding.UTF8.GetBytes(text[piece.Start..piece.End]);
        var wanted = new bool[bytes.Length];
        foreach (var span in learned)
        {
            var (from, to) = (Math.Max(span.Start, piece.Start), Math.Min(span.End, piece.End));
            if (from >= to) continue;
            var offset = Encoding.UTF8.GetByteCount(text.AsSpan(piece.Start, from - piece.Start));
            wanted.AsSpan(offset, Encoding.UTF8.GetByteCount(text.AsSpan(from, to - from))).Fill(true);
        }
        var at = 0;
        for (var i = first; i < tokens.Count; i++)
        {
            var token = tokenizer.BytesOf(tokens[i]);
            var length = token.Length;
            if (!bytes.AsSpan(at).StartsWith(token))
            {
                if (token.StartsWith((byte)' ') && bytes.AsSpan(at).StartsWith(token[1..]))
                {
                    length--;
                }
                else
                {
                    while (
                        at < bytes.Length
                        && bytes[at] is (byte)' ' or (byte)'\n' or (byte)'\t' or (byte)'\r'
                        && !bytes.AsSpan(at).StartsWith(token)
                    )
                        at++;
                    if (!bytes.AsSpan(at).StartsWith(token))
                        throw new UserErrorException(
                            "The tokenizer changes the text that the chat template writes, so it cannot be told which "
                                + "tokens are the assistant's: train on this conversation with a tokenizer that keeps texts as they are."
                        );
                }
            }
            mask[i] = wanted.AsSpan(at, length).Contains(true);
            at += length;
        }
    }
}
