using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Tokenization.Oniguruma;

namespace Dolmen.Tokenization;

/// <summary>What becomes of a pattern's matches where text is cut at them; the names are tokenizer.json's.</summary>
internal enum SplitBehavior
{
    /// <summary>Each match is a piece, and what lies between two matches is one too.</summary>
    Isolated,

    /// <summary>A match is dropped.</summary>
    Removed,

    /// <summary>A match ends the piece before it.</summary>
    MergedWithPrevious,

    /// <summary>A match begins the piece behind it.</summary>
    MergedWithNext,

    /// <summary>Matches without anything between them are one piece.</summary>
    Contiguous,
}

/// <summary>Cuts text at the matches of any pattern in Oniguruma's syntax.</summary>
internal sealed class RegexPreTokenizer : PreTokenizer
{
    private readonly OnigurumaRegex _regex;
    private readonly SplitBehavior _behavior;
    private readonly bool _invert;
    private readonly string? _literal;

    /// <param name="pattern">In Oniguruma's syntax.</param>
    /// <param name="behavior">What becomes of the matches.</param>
    /// <param name="invert">What lies between the matches counts as match, and they as what lies between.</param>
    public RegexPreTokenizer(string pattern, SplitBehavior behavior = SplitBehavior.Isolated, bool invert = false)
    {
        (_behavior, _invert) = (behavior, invert);
        try
        {
            _regex = new OnigurumaRegex(pattern);
        }
        catch (UserErrorException error)
        {
            throw new UserErrorException($"{error.Message} Pre-tokenizers that are known by name: {string.Join(' ', Names)}.", error);
        }
    }

    private RegexPreTokenizer(string literal, SplitBehavior behavior, bool invert, OnigurumaRegex regex) =>
        (_literal, _behavior, _invert, _regex) = (literal, behavior, invert, regex);

    public override string Pattern => _regex.Pattern;

    /// <summary>Cuts at a text that stands for itself.</summary>
    public static RegexPreTokenizer AtText(string text, SplitBehavior behavior, bool invert)
    {
        var pattern = new StringBuilder(text.Length);
        foreach (var letter in text)
        {
            if (letter < 128 && !char.IsAsciiLetterOrDigit(letter)) pattern.Append('\\');
            pattern.Append(letter);
        }
        return new RegexPreTokenizer(text, behavior, invert, new OnigurumaRegex(pattern.ToString()));
    }

    public override void Split(ReadOnlySpan<byte> text, List<int> ends)
    {
        var matches = new List<(int Start, int End)>();
        _regex.Match(text, matches);
        var parts = new List<(int End, bool IsMatch)>(2 * matches.Count + 1);
        var done = 0;
        foreach (var (start, end) in matches)
        {
            if (start > done) parts.Add((start, _invert));
            parts.Add((end, !_invert));
            done = end;
        }
        if (done < text.Length) parts.Add((text.Length, _invert));
        var first = ends.Count;
        Behave(parts, ends);
        // An empty match is a boundary and not a piece.
        var (kept, previous) = (first, 0);
        for (var i = first; i < ends.Count; i++)
        {
            var end = EndOf(ends[i]);
            if (end == previous) continue;
            ends[kept++] = ends[i];
            previous = end;
        }
        ends.RemoveRange(kept, ends.Count - kept);
    }

    private void Behave(List<(int End, bool IsMatch)> parts, List<int> ends)
    {
        for (var i = 0; i < parts.Count; i++)
        {
            var (end, isMatch) = parts[i];
            var nextIsMatch = i + 1 < parts.Count && parts[i + 1].IsMatch;
            switch (_behavior)
            {
                case SplitBehavior.Removed:
                    ends.Add(isMatch ? ~end : end);
                    break;
                case SplitBehavior.MergedWithPrevious when nextIsMatch && !isMatch:
                case SplitBehavior.Contiguous when i + 1 < parts.Count && nextIsMatch == isMatch:
                    break;                                               // the next part ends this piece
                case SplitBehavior.MergedWithNext when isMatch && i + 1 < parts.Count && !nextIsMatch:
                    break;
                default:
                    ends.Add(end);
                    break;
            }
        }
    }

    internal override void Write(Utf8JsonWriter json)
    {
        json.WriteString("type", "Split");
        json.WriteStartObject("pattern");
        json.WriteString(_literal is null ? "Regex" : "String", _literal ?? Pattern);
        json.WriteEndObject();
        json.WriteString("behavior", _behavior.ToString());
        json.WriteBoolean("invert", _invert);
    }
}
