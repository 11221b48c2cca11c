using System.Globalization;
using System.Text;

namespace Dolmen.Tokenization;

/// <summary>
/// Cuts text into the pieces within which merges happen: words with their leading space, split where camelCase begins a new word
/// (<c>TrimEnd</c> is <c>Trim</c>, <c>End</c>), digits in threes, punctuation with the line breaks behind it, white space.
/// The split of OpenAI's o200k vocabulary, as a scanner that does what <see cref="Expression"/> does.
/// </summary>
internal sealed class O200kPreTokenizer : PreTokenizer
{
    /// <summary>The contractions are spelled out because engines disagree on ignoring case.</summary>
    private const string Expression =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + Contractions +
        @"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + Contractions +
        @"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string Contractions = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?";

    public override string Pattern => Expression;

    [Flags]
    private enum Kind : byte
    {
        None = 0,
        Upper = 1,       // Lu, Lt
        Lower = 2,       // Ll
        Caseless = 4,    // Lm, Lo
        Mark = 8,        // Mn, Mc, Me: not a letter, yet part of a word
        Number = 16,
        Newline = 32,    // \r, \n
        Space = 64,      // white space that is not a line break
        Other = 128,

        Letter = Upper | Lower | Caseless,
        WordHead = Upper | Caseless | Mark,
        WordTail = Lower | Caseless | Mark,
        Symbol = Mark | Other,
        WhiteSpace = Newline | Space,
    }

    private static readonly Kind[] AsciiKinds = [.. Enumerable.Range(0, 128).Select(value => KindOf(new Rune(value)))];

    public override int Next(ReadOnlySpan<byte> text, int start)
    {
        var kind = KindAt(text, start, out var width);
        var second = start + width;
        if ((kind & Kind.Letter) != Kind.None) return Word(text, start, allUpper: true);
        if (kind == Kind.Number) return Number(text, second);
        if (kind == Kind.Mark)
        {
            var end = Word(text, second, allUpper: false);
            return end >= 0 ? end : Word(text, start, allUpper: false);
        }
        if (kind != Kind.Newline)                                        // a space or symbol may lead a word
        {
            var end = Word(text, second, allUpper: true);
            if (end >= 0) return end;
        }
        if (kind == Kind.Other) return Symbols(text, second);
        if (text[start] == ' ' && (KindAt(text, second, out _) & Kind.Symbol) != Kind.None) return Symbols(text, second);
        return WhiteSpace(text, start);
    }

    /// <summary>The first two branches of the pattern behind their optional first character. -1 where they do not match.</summary>
    private static int Word(ReadOnlySpan<byte> text, int start, bool allUpper)
    {
        var at = start;
        var lastCaseless = -1;
        Kind kind;
        int width;
        while (((kind = KindAt(text, at, out width)) & Kind.WordHead) != Kind.None)
        {
            at += width;
            if (kind != Kind.Upper) lastCaseless = at;
        }
        if (kind == Kind.Lower)
        {
            do at += width;
            while ((KindAt(text, at, out width) & Kind.WordTail) != Kind.None);
            return Contraction(text, at);
        }
        // No lower-case letter follows, so a regex engine steps back to the last character that may stand for one.
        if (lastCaseless >= 0) return Contraction(text, lastCaseless);
        return allUpper && at > start ? Contraction(text, at) : -1;
    }

    private static int Contraction(ReadOnlySpan<byte> text, int at)
    {
        if (at + 1 >= text.Length || text[at] != '\'') return at;
        var first = text[at + 1] | 0x20;
        if (first is 's' or 't' or 'm' or 'd') return at + 2;
        if (at + 2 >= text.Length) return at;
        var second = text[at + 2] | 0x20;
        return (first, second) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? at + 3 : at;
    }

    private static int Number(ReadOnlySpan<byte> text, int second)
    {
        var at = second;
        for (var digits = 1; digits < 3 && KindAt(text, at, out var width) == Kind.Number; digits++) at += width;
        return at;
    }

    private static int Symbols(ReadOnlySpan<byte> text, int at)
    {
        while ((KindAt(text, at, out var width) & Kind.Symbol) != Kind.None) at += width;
        while (at < text.Length && text[at] is (byte)'\r' or (byte)'\n' or (byte)'/') at++;
        return at;
    }

    private static int WhiteSpace(ReadOnlySpan<byte> text, int start)
    {
        var at = start;
        var last = start;
        var lineEnd = -1;
        Kind kind;
        while (((kind = KindAt(text, at, out var width)) & Kind.WhiteSpace) != Kind.None)
        {
            last = at;
            at += width;
            if (kind == Kind.Newline) lineEnd = at;
        }
        if (lineEnd >= 0) return lineEnd;
        return at == text.Length || last == start ? at : last;           // the last space belongs to what follows
    }

    private static Kind KindAt(ReadOnlySpan<byte> text, int at, out int width)
    {
        if ((uint)at >= (uint)text.Length)
        {
            width = 0;
            return Kind.None;
        }
        var first = text[at];
        if (first < 128)
        {
            width = 1;
            return AsciiKinds[first];
        }
        Rune.DecodeFromUtf8(text[at..], out var rune, out width);        // U+FFFD for bytes that are not UTF-8
        return KindOf(rune);
    }

    private static Kind KindOf(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter => Kind.Upper,
        UnicodeCategory.LowercaseLetter => Kind.Lower,
        UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => Kind.Caseless,
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => Kind.Mark,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
        _ when rune.Value is '\r' or '\n' => Kind.Newline,
        _ => Rune.IsWhiteSpace(rune) ? Kind.Space : Kind.Other,
    };
}
