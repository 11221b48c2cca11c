using System.Text;

namespace Dolmen.Tokenization;

/// <summary><c>x++</c>, which .NET does not know, as <c>(?&gt;x+)</c>, which is the same.</summary>
internal static class PossessiveQuantifiers
{
    public static string ToAtomicGroups(string pattern)
    {
        var result = new StringBuilder();
        var open = new Stack<int>();                                     // where groups begin in the result
        var atom = 0;                                                    // where the last atom begins in the result
        for (var at = 0; at < pattern.Length;)
        {
            var end = at + 1;
            switch (pattern[at])
            {
                case '(':
                    open.Push(result.Length);
                    atom = result.Length;
                    break;
                case ')':
                    atom = open.TryPop(out var begin) ? begin : result.Length;
                    break;
                case '*' or '+' or '?' when at > 0 && pattern[at - 1] is not '(' and not '|':
                case '{' when BraceEnd(pattern, at) > 0:
                    end = pattern[at] == '{' ? BraceEnd(pattern, at) : end;
                    result.Append(pattern, at, end - at);
                    if (end < pattern.Length && pattern[end] == '+')
                    {
                        result.Insert(atom, "(?>").Append(')');
                        end++;
                    }
                    else if (end < pattern.Length && pattern[end] == '?')
                    {
                        result.Append('?');
                        end++;
                    }
                    at = end;
                    continue;
                default:
                    atom = result.Length;
                    end = pattern[at] switch
                    {
                        '[' => ClassEnd(pattern, at),
                        '\\' => EscapeEnd(pattern, at),
                        _ => end,
                    };
                    break;
            }
            result.Append(pattern, at, end - at);
            at = end;
        }
        return result.ToString();
    }

    /// <summary>Behind {n}, {n,} or {n,m}; 0 where the brace is none of these.</summary>
    private static int BraceEnd(string pattern, int at)
    {
        var end = at + 1;
        while (end < pattern.Length && (char.IsAsciiDigit(pattern[end]) || pattern[end] == ',')) end++;
        return end > at + 1 && end < pattern.Length && pattern[end] == '}' ? end + 1 : 0;
    }

    private static int EscapeEnd(string pattern, int at)
    {
        if (at + 2 < pattern.Length && pattern[at + 1] is 'p' or 'P' && pattern[at + 2] == '{')
            return pattern.IndexOf('}', at) is var close and > 0 ? close + 1 : pattern.Length;
        return Math.Min(at + 2, pattern.Length);
    }

    private static int ClassEnd(string pattern, int at)
    {
        var end = at + 1;
        if (end < pattern.Length && pattern[end] == '^') end++;
        if (end < pattern.Length && pattern[end] == ']') end++;          // a bracket that comes first is a character
        while (end < pattern.Length && pattern[end] != ']') end = pattern[end] == '\\' ? EscapeEnd(pattern, end) : end + 1;
        return Math.Min(end + 1, pattern.Length);
    }
}
