using System.Buffers;
using System.Globalization;
using System.Text;

namespace Dolmen.Tokenization.LanguageCosts;

/// <summary>A language's sizes, whatever the tokenizer.</summary>
internal sealed record TextSizes(long Bytes, long Characters, long Words)
{
    /// <param name="counted">Which sentences.</param>
    public static TextSizes Of(LanguageText language, IReadOnlyList<int> counted, WordCutter cut)
    {
        long bytes = 0, characters = 0, words = 0;
        foreach (var sentence in counted)
        {
            var text = language.Sentences[sentence];
            bytes += Encoding.UTF8.GetByteCount(text);
            foreach (var _ in text.EnumerateRunes()) characters++;
            words += cut(text, language.Code).Count;
        }
        return new TextSizes(bytes, characters, words);
    }
}

/// <summary>Tokens of one language with one tokenizer, counted.</summary>
internal sealed class TokenCounts
{
    private long _characters, _splitCharacters, _graphemes, _splitGraphemes, _byteTokens, _fragments, _unknown;

    private TokenCounts(int sentences) => PerSentence = new int[sentences];

    /// <summary>Tokens of each sentence, in the order in which they were asked for.</summary>
    public int[] PerSentence { get; }

    public long Tokens { get; private set; }

    public long Running { get; private set; }

    public double ByteShare => Share(_byteTokens, Tokens);

    public double FragmentShare => Share(_fragments, Tokens);

    public double UnknownShare => Share(_unknown, Tokens);

    public double SplitCharacters => Share(_splitCharacters, _characters);

    public double SplitGraphemes => Share(_splitGraphemes, _graphemes);

    public static TokenCounts Of(Tokenizer tokenizer, LanguageText language, IReadOnlyList<int> sentences, CancellationToken stop)
    {
        var counts = new TokenCounts(sentences.Count);
        var tokens = new List<int>();
        var kinds = new Dictionary<int, Kind>();
        for (var i = 0; i < sentences.Count; i++)
        {
            if (i % 64 == 0) stop.ThrowIfCancellationRequested();
            tokens.Clear();
            tokenizer.Encode(language.Sentences[sentences[i]], tokens);
            counts.PerSentence[i] = tokens.Count;
            counts.Tokens += tokens.Count;
            foreach (var token in tokens)
            {
                if (token == tokenizer.Unknown) counts._unknown++;
                if (!kinds.TryGetValue(token, out var kind)) kinds[token] = kind = KindOf(tokenizer.BytesOf(token));
                if (kind == Kind.Whole) continue;
                counts._fragments++;
                if (kind == Kind.Byte) counts._byteTokens++;
            }
            counts.CountSplits(tokenizer, tokens);
        }
        tokens.Clear();
        tokenizer.Encode(language.Running(), tokens);
        counts.Running = tokens.Count;
        return counts;
    }

    private enum Kind { Whole, Fragment, Byte }

    private static Kind KindOf(ReadOnlySpan<byte> bytes) =>
        System.Text.Unicode.Utf8.IsValid(bytes) ? Kind.Whole : bytes.Length == 1 ? Kind.Byte : Kind.Fragment;

    /// <summary>Characters are those of the decoded text, which is the sentence unless the tokenizer normalized it.</summary>
    private void CountSplits(Tokenizer tokenizer, List<int> tokens)
    {
        var length = 0;
        foreach (var token in tokens) length += tokenizer.BytesOf(token).Length;
        var bytes = ArrayPool<byte>.Shared.Rent(length);
        var begins = ArrayPool<bool>.Shared.Rent(length + 1);             // whether a token begins at this byte
        begins.AsSpan(0, length + 1).Clear();
        var (at, atStart) = (0, tokenizer.DropsLeadingSpace);
        foreach (var token in tokens)
        {
            var piece = tokenizer.BytesOf(token);
            if (atStart && piece.StartsWith((byte)' ')) piece = piece[1..];
            atStart = false;
            begins[at] = true;
            piece.CopyTo(bytes.AsSpan(at));
            at += piece.Length;
        }
        var chars = ArrayPool<char>.Shared.Rent(at);
        // Tokens of a text are a text again; those of a vocabulary that lacks bytes may be none, and then no character is there to be
        // split.
        var text = System.Text.Unicode.Utf8.IsValid(bytes.AsSpan(0, at))
            ? chars.AsSpan(0, Encoding.UTF8.GetChars(bytes.AsSpan(0, at), chars))
            : [];
        for (int start = 0, place = 0; start < text.Length; )
        {
            var grapheme = text.Slice(start, StringInfo.GetNextTextElementLength(text[start..]));
            start += grapheme.Length;
            _graphemes++;
            var (splitInside, first) = (false, place);
            foreach (var rune in grapheme.EnumerateRunes())
            {
                var split = begins.AsSpan(place + 1, rune.Utf8SequenceLength - 1).Contains(true);
                splitInside |= split || (place > first && begins[place]);
                place += rune.Utf8SequenceLength;
                _characters++;
                if (split) _splitCharacters++;
            }
            if (splitInside) _splitGraphemes++;
        }
        ArrayPool<char>.Shared.Return(chars);
        ArrayPool<bool>.Shared.Return(begins);
        ArrayPool<byte>.Shared.Return(bytes);
    }

    private static double Share(long part, long whole) => whole == 0 ? 0 : (double)part / whole;
}
