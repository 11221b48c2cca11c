using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization.Oniguruma;

/// <summary>
/// A regular expression in Oniguruma's syntax, which is that of tokenizer.json. Code points that the pattern does not tell apart are one
/// letter of an alphabet of its own; .NET's engine matches these letters. So classes, properties and case are Oniguruma's and not .NET's,
/// and a character beyond U+FFFF is one unit. What cannot be said to .NET's engine (callouts, back references, absent operators …) is
/// refused by name. Safe to use from several threads at once.
/// </summary>
internal sealed class OnigurumaRegex
{
    /// <summary>The longest that one match may take.</summary>
    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(2);

    private const int LongestPattern = 1 << 14;

    /// <summary>The first letter of the alphabet; no letter below it means something to .NET's engine.</summary>
    private const char FirstLetter = '\u0100';

    private readonly Regex _regex;
    private readonly int[] _starts;              // of stretches of code points that are one letter
    private readonly char[] _letters;
    private readonly char[]?[] _blocks = new char[CodePointSet.End >> 8][];

    /// <exception cref="UserErrorException">Not a pattern of Oniguruma's, or one that is not understood.</exception>
    public OnigurumaRegex(string pattern)
    {
        Pattern = pattern;
        if (pattern.Length is 0 or > LongestPattern)
            throw new UserErrorException(
                $"The pattern has {pattern.Length} characters: Dolmen reads patterns of 1 to {LongestPattern} characters.");
        var parsed = OnigurumaParser.Parse(pattern);
        (_starts, _letters, var classes) = Alphabet(parsed.Sets);
        var text = new StringBuilder();
        foreach (var part in parsed.Parts) text.Append(part.Text ?? classes[part.Set]);
        try
        {
            _regex = new Regex(text.ToString(), RegexOptions.CultureInvariant | RegexOptions.Compiled, TimeLimit);
        }
        catch (ArgumentException error)
        {
            throw new UserErrorException(
                $"The pattern {pattern} is not a regular expression that Dolmen can run: it nests too deep or is too large.", error);
        }
    }

    public string Pattern { get; }

    /// <summary>Start and end of each match in the UTF-8 <paramref name="text"/>, in order. Bytes that are not UTF-8 count as
    /// U+FFFD.</summary>
    /// <exception cref="UserErrorException">The pattern takes too long.</exception>
    public void Match(ReadOnlySpan<byte> text, List<(int Start, int End)> matches)
    {
        if (text.IsEmpty) return;
        var letters = ArrayPool<char>.Shared.Rent(text.Length);
        var offsets = ArrayPool<int>.Shared.Rent(text.Length + 1);
        try
        {
            var count = 0;
            for (var at = 0; at < text.Length; count++)
            {
                offsets[count] = at;
                letters[count] = Letter(CharKinds.CodePoint(text, at, out var width));
                at += width;
            }
            offsets[count] = text.Length;
            Match(letters.AsSpan(0, count), offsets, matches);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(letters);
            ArrayPool<int>.Shared.Return(offsets);
        }
    }

    /// <summary>The same in UTF-16 units.</summary>
    /// <exception cref="UserErrorException">The pattern takes too long.</exception>
    public void Match(ReadOnlySpan<char> text, List<(int Start, int End)> matches)
    {
        if (text.IsEmpty) return;
        var (letters, offsets) = (new char[text.Length], new int[text.Length + 1]);
        var (count, at) = (0, 0);
        foreach (var rune in text.EnumerateRunes())
        {
            offsets[count] = at;
            letters[count++] = Letter(rune.Value);
            at += rune.Utf16SequenceLength;
        }
        offsets[count] = text.Length;
        Match(letters.AsSpan(0, count), offsets, matches);
    }

    /// <summary>The text with another one in the place of each match.</summary>
    public static string Replace(string text, List<(int Start, int End)> matches, string replacement)
    {
        if (matches.Count == 0) return text;
        var result = new StringBuilder(text.Length);
        var done = 0;
        foreach (var (start, end) in matches)
        {
            result.Append(text, done, start - done).Append(replacement);
            done = end;
        }
        return result.Append(text, done, text.Length - done).ToString();
    }

    private void Match(ReadOnlySpan<char> letters, int[] offsets, List<(int Start, int End)> matches)
    {
        try
        {
            var done = -1;
            foreach (var match in _regex.EnumerateMatches(letters))
            {
                // An empty match right behind another one does not count.
                if (match.Length == 0 && match.Index == done) continue;
                done = match.Index + match.Length;
                matches.Add((offsets[match.Index], offsets[done]));
            }
        }
        catch (RegexMatchTimeoutException error)
        {
            throw new UserErrorException(
                $"The pattern {Pattern} took more than {TimeLimit.TotalSeconds} s for one match in a text of {letters.Length} characters: "
                    + $"nested repetitions try too many ways. Make inner ones possessive (x++), or name a known pattern.",
                error
            );
        }
    }

    private char Letter(int codePoint) => (Volatile.Read(ref _blocks[codePoint >> 8]) ?? Fill(codePoint >> 8))[codePoint & 255];

    private char[] Fill(int block)
    {
        var letters = new char[256];
        var at = Array.BinarySearch(_starts, block << 8);
        if (at < 0) at = ~at - 1;
        for (var i = 0; i < letters.Length; i++)
        {
            while (at + 1 < _starts.Length && _starts[at + 1] <= (block << 8 | i)) at++;
            letters[i] = _letters[at];
        }
        Volatile.Write(ref _blocks[block], letters);
        return letters;
    }

    /// <summary>Stretches of code points between the bounds of any set; those in the same sets have the same letter.</summary>
    private static (int[] Starts, char[] Letters, string[] Classes) Alphabet(IReadOnlyList<CodePointSet> sets)
    {
        var bounds = new SortedSet<int> { 0 };
        foreach (var set in sets)
            foreach (var bound in set.Bounds)
                if (bound < CodePointSet.End) bounds.Add(bound);
        int[] starts = [.. bounds];
        var (letters, known) = (new char[starts.Length], new Dictionary<string, char>(StringComparer.Ordinal));
        var members = sets.Select(_ => new SortedSet<char>()).ToArray();
        var within = new bool[sets.Count];
        var next = new int[sets.Count];
        for (var i = 0; i < starts.Length; i++)
        {
            for (var s = 0; s < sets.Count; s++)
            {
                var own = sets[s].Bounds;
                while (next[s] < own.Length && own[next[s]] <= starts[i]) next[s]++;
                within[s] = next[s] % 2 == 1;
            }
            var signature = string.Concat(within.Select(inside => inside ? '1' : '0'));
            if (!known.TryGetValue(signature, out letters[i])) known[signature] = letters[i] = (char)(FirstLetter + known.Count);
            for (var s = 0; s < sets.Count; s++)
                if (within[s]) members[s].Add(letters[i]);
        }
        return (starts, letters, [.. members.Select(Class)]);
    }

    private static string Class(SortedSet<char> letters)
    {
        if (letters.Count == 0) return "(?!)";
        var text = new StringBuilder("[");
        foreach (var letter in letters)
            text.Append("\\u").Append(((int)letter).ToString("X4", System.Globalization.CultureInfo.InvariantCulture));
        return text.Append(']').ToString();
    }
}
