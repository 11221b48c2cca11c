using System.Buffers;
using System.Globalization;
using System.Text;

namespace Dolmen.Tokenization;

/// <summary>A token that stands for its own text and is found before a text is cut.</summary>
/// <param name="Special">It controls and is not part of the text: found only where the caller asks for it.</param>
/// <param name="SingleWord">Not found inside a word.</param>
/// <param name="StripLeft">Swallows the white space before it; <paramref name="StripRight"/> that behind it.</param>
/// <param name="Normalized">Found in what the normalizer makes of the text between the other added tokens, which are found first.</param>
public sealed record AddedToken(
    string Content,
    int Id,
    bool Special,
    bool SingleWord = false,
    bool StripLeft = false,
    bool StripRight = false,
    bool Normalized = false
);

/// <summary>Finds a set of added tokens in a text: the leftmost, of those that begin at one place the longest.</summary>
internal sealed class AddedTokens
{
    private readonly Dictionary<char, AddedToken[]> _byFirst;
    private readonly SearchValues<string>? _names;

    public AddedTokens(IEnumerable<AddedToken> tokens)
    {
        _byFirst = tokens.Where(token => token.Content.Length > 0).GroupBy(token => token.Content[0])
            .ToDictionary(group => group.Key, group => group.OrderByDescending(token => token.Content.Length).ToArray());
        if (_byFirst.Count > 0)
            _names = SearchValues.Create(
                [.. _byFirst.Values.SelectMany(group => group).Select(token => token.Content)],
                StringComparison.Ordinal
            );
    }

    /// <param name="text">All of it: what stands before <paramref name="from"/> decides whether a token is a word.</param>
    /// <param name="from">The end of what the token before took.</param>
    /// <param name="span">What the token takes of the text.</param>
    public AddedToken? Find(ReadOnlySpan<char> text, int from, out (int Start, int End) span)
    {
        var next = from;
        return Find(text, from, ref next, out span);
    }

    /// <param name="text">All of it.</param>
    /// <param name="from">The end of what the token before took.</param>
    /// <param name="next">Where to look on: a token is found in the white space, too, that the one before it has swallowed.</param>
    /// <param name="span">What the token takes of the text.</param>
    public AddedToken? Find(ReadOnlySpan<char> text, int from, ref int next, out (int Start, int End) span)
    {
        span = default;
        if (_names is null) return null;
        for (var at = next; text[at..].IndexOfAny(_names) is var offset and >= 0;)
        {
            at += offset;
            var token = Longest(text[at..]);
            var end = at + token.Content.Length;
            if (token.SingleWord && (EndsInWord(text[..at]) || BeginsWithWord(text[end..])))
            {
                at = end;
                continue;
            }
            next = end;
            span = (token.StripLeft ? Math.Max(from, text[..at].TrimEnd().Length) : at,
                token.StripRight ? text.Length - text[end..].TrimStart().Length : end);
            if (span.Start < span.End) return token;
            at = end;                                                    // the token before has swallowed all of it
        }
        return null;
    }

    private AddedToken Longest(ReadOnlySpan<char> text)
    {
        foreach (var token in _byFirst[text[0]])
            if (text.StartsWith(token.Content, StringComparison.Ordinal)) return token;
        throw new InvalidOperationException("A found token is no longer there.");
    }

    private static bool EndsInWord(ReadOnlySpan<char> text) =>
        Rune.DecodeLastFromUtf16(text, out var rune, out _) == OperationStatus.Done && IsWord(rune);

    private static bool BeginsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeFromUtf16(text, out var rune, out _) == OperationStatus.Done && IsWord(rune);

    // Letters, marks, numbers but those that only look like one, joiners, and letters in circles and squares.
    private static bool IsWord(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is <= UnicodeCategory.LetterNumber or UnicodeCategory.ConnectorPunctuation
        || rune.Value is 0x200C or 0x200D or (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169)
            or (>= 0x1F170 and <= 0x1F189);
}
