using System.Globalization;
using System.Text;

namespace Dolmen.Templates;

/// <summary>Undoes the escapes of a string in a template; one that Python does not know stays as it is.</summary>
internal static class StringLiteral
{
    public static string Read(ReadOnlySpan<char> text, int line)
    {
        if (!text.Contains('\\')) return text.ToString();
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || i + 1 == text.Length)
            {
                result.Append(text[i]);
                continue;
            }
            var escape = text[++i];
            switch (escape)
            {
                case '\n': break;
                case '\\' or '\'' or '"': result.Append(escape); break;
                case 'a': result.Append('\a'); break;
                case 'b': result.Append('\b'); break;
                case 'f': result.Append('\f'); break;
                case 'n': result.Append('\n'); break;
                case 'r': result.Append('\r'); break;
                case 't': result.Append('\t'); break;
                case 'v': result.Append('\v'); break;
                case 'x': Append(result, Hex(text, ref i, 2, line), line); break;
                case 'u': Append(result, Hex(text, ref i, 4, line), line); break;
                case 'U': Append(result, Hex(text, ref i, 8, line), line); break;
                case >= '0' and <= '7':
                    var octal = escape - '0';
                    for (var more = 0; more < 2 && i + 1 < text.Length && text[i + 1] is >= '0' and <= '7'; more++)
                        octal = octal * 8 + text[++i] - '0';
                    result.Append((char)octal);
                    break;
                default: result.Append('\\').Append(escape); break;
            }
        }
        return result.ToString();
    }

    private static uint Hex(ReadOnlySpan<char> text, ref int at, int digits, int line)
    {
        if (at + digits >= text.Length
            || !uint.TryParse(text.Slice(at + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            throw new TemplateException($"'\\{text[at]}' must be followed by {digits} hexadecimal digits", line);
        at += digits;
        return value;
    }

    private static void Append(StringBuilder result, uint value, int line)
    {
        if (value <= char.MaxValue) result.Append((char)value);
        else if (Rune.IsValid(value)) result.Append(new Rune(value).ToString());
        else throw new TemplateException($"U+{value:X} is not a character", line);
    }
}
