using System.Buffers;
using System.Text.RegularExpressions;
using Dolmen.Web.Extraction;

namespace Dolmen.Data.Readers;

/// <summary>Names of settings, options, commands and functions, as opposed to words of the language.</summary>
internal static partial class TermName
{
    private static readonly SearchValues<char> CodeMarks = SearchValues.Create("_()$<>=@/\\");

    /// <summary>Without the type that manuals add in parentheses: <c>work_mem (integer)</c>.</summary>
    public static string Clean(string term)
    {
        var name = TypeInParentheses().Replace(term, "").Replace("`", "", StringComparison.Ordinal);
        return WhiteSpace.Collapse(name).Trim(':', ',', ' ', '—', '–');
    }

    /// <summary>As people call it: an option by its long form, a function without its arguments, a clause by its first words.</summary>
    public static string Spoken(string term)
    {
        if (LongOption().Match(term) is { Success: true } option) return option.Value;
        if (Function().Match(term) is { Success: true } function) return $"{function.Groups[1].Value}()";
        if (term.StartsWith('-')) return term.Split([' ', ','], 2)[0];
        return Clause().Match(term) is { Success: true } clause ? clause.Value : term;
    }

    /// <summary>Every word of it is a name, or it is set as code: <c>work_mem</c>, <c>CREATE TABLE</c>, <c>--verbose</c>, <c>digest()</c>,
    /// <c>HttpClient</c>.</summary>
    public static bool IsName(string text)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length is > 0 and <= 6 && words.All(IsNameWord);
    }

    public static bool IsNameWord(string word)
    {
        if (word.Length == 0) return false;
        if (word.StartsWith('`') && word.EndsWith('`') && word.Length > 2) return true;
        if (word.AsSpan().IndexOfAny(CodeMarks) >= 0 || word[0] is '-' or '.') return true;
        var letters = word.Where(char.IsLetter).ToList();
        if (letters.Count > 1 && letters.All(char.IsUpper)) return true;
        for (var i = 1; i < word.Length; i++)
        {
            // "HttpClient", "md5", "file.conf"
            if (char.IsUpper(word[i]) && char.IsLower(word[i - 1]) || char.IsAsciiDigit(word[i]) && char.IsLetter(word[i - 1])) return true;
            if (word[i] == '.' && i + 1 < word.Length) return true;
        }
        return false;
    }

    // "TRANSFORM { FOR TYPE name }", "shared_buffers = 128MB", "EXEC SQL begin;"
    [GeneratedRegex(@"^[^\s\[{;=<]{2,}(?: [^\s\[{;=<]+)*?(?=\s*[;=]|\s+[\[{<(])")]
    private static partial Regex Clause();

    [GeneratedRegex(@"(?<![\w-])--[A-Za-z0-9][\w-]*")]
    private static partial Regex LongOption();

    [GeneratedRegex(@"^([A-Za-z_][\w.:]*)\s?\(.+\)?")]
    private static partial Regex Function();

    [GeneratedRegex(
        @"\s*\((?:boolean|bool|integer|int|string|enum|floating point|float|double|number|real|text|bigint|oid|optional|required"
            + @"|[a-z]+\[\])\)",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex TypeInParentheses();
}
