using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>
/// Any pattern, by .NET's engine: its matches are pieces, and what lies between them is. The unit is the code point, as in the engines
/// of other tokenizers: one beyond U+FFFF is shown to the engine as one rarely written letter, mark, number or symbol of the same
/// category. Possessive quantifiers are understood. A pattern that explodes ends in the user's error after <see cref="TimeLimit"/>.
/// </summary>
internal sealed class RegexPreTokenizer : PreTokenizer
{
    /// <summary>For one match.</summary>
    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(2);

    private const int LongestPattern = 1 << 14;

    /// <summary>By <see cref="UnicodeCategory"/>, from Lu to Cn; control characters, spaces and halves of pairs do not lie beyond U+FFFF.</summary>
    private const string StandIns =
        "\uA780\uA781\u1F88\uA7F8\uA840\uA8E0\uA823\uA670\uAA50\uA6E6\uA830\u205F\u2028\u2029\u0086\uFFF9\uFFFD\uE000" +
        "\uFE33\uFE58\u2E28\u2E29\u2E02\u2E03\uA6F2\uFB29\uA838\uA700\uA828\uFFFE";

    private readonly Regex _regex;

    public RegexPreTokenizer(string pattern)
    {
        Pattern = pattern;
        if (pattern.Length is 0 or > LongestPattern)
            throw new UserErrorException(
                $"The pre-tokenizer's pattern has {pattern.Length} characters: 1 to {LongestPattern} are read. Name a known one: {string.Join(' ', Names)}.");
        if (pattern.Any(char.IsSurrogate))
            throw new UserErrorException(
                $"The pre-tokenizer's pattern {pattern} names characters beyond U+FFFF: name their category, such as \\p{{L}}, instead.");
        try
        {
            _regex = new Regex(PossessiveQuantifiers.ToAtomicGroups(pattern), RegexOptions.CultureInvariant | RegexOptions.Compiled, TimeLimit);
        }
        catch (ArgumentException error)
        {
            throw new UserErrorException(
                $"The pre-tokenizer's pattern {pattern} is no regular expression that .NET understands: {error.Message}", error);
        }
    }

    public override string Pattern { get; }

    public override void Split(ReadOnlySpan<byte> text, List<int> ends)
    {
        if (text.IsEmpty) return;
        var units = ArrayPool<char>.Shared.Rent(text.Length);
        var offsets = ArrayPool<int>.Shared.Rent(text.Length + 1);       // of each unit in the bytes, and of the end
        try
        {
            var count = 0;
            for (var at = 0; at < text.Length; count++)
            {
                offsets[count] = at;
                units[count] = Unit(CharKinds.CodePoint(text, at, out var width));
                at += width;
            }
            offsets[count] = text.Length;
            var done = 0;
            foreach (var match in _regex.EnumerateMatches(units.AsSpan(0, count)))
            {
                if (match.Index > done) ends.Add(offsets[match.Index]);
                done = match.Index + match.Length;
                if (match.Length > 0) ends.Add(offsets[done]);
            }
            if (done < count) ends.Add(text.Length);
        }
        catch (RegexMatchTimeoutException error)
        {
            throw new UserErrorException(
                $"The pre-tokenizer's pattern {Pattern} took more than {TimeLimit.TotalSeconds} s for one piece of text: nested repetitions " +
                "try too many ways. Make inner ones possessive (x++), or name a known pattern.", error);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(units);
            ArrayPool<int>.Shared.Return(offsets);
        }
    }

    private static char Unit(int codePoint) => codePoint < 0x10000
        ? (char)codePoint
        : StandIns[(int)Rune.GetUnicodeCategory(new Rune(codePoint))];
}
