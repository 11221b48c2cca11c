using System.Globalization;
using System.Text;

namespace Dolmen.Artifacts;

/// <summary>A file's name as it is shown and stored: what could move a terminal's cursor or reverse a line is escaped as
/// <c>\u001B</c>.</summary>
public static class ShownName
{
    public static string Of(string name) => Escaped(name, "");

    /// <summary>A message that may hold such names; its own line breaks and tabs stay.</summary>
    public static string InText(string text) => Escaped(text, "\n\r\t");

    private static string Escaped(string name, string allowed)
    {
        if (name.All(sign => IsPlain(sign) || allowed.Contains(sign))) return name;
        var shown = new StringBuilder(name.Length + 8);
        foreach (var sign in name)
        {
            if (IsPlain(sign) || allowed.Contains(sign)) shown.Append(sign);
            else shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)sign:X4}");
        }
        return shown.ToString();
    }

    // Line and paragraph separators, and the marks that change the direction of writing, do as much harm as control characters.
    private static bool IsPlain(char sign) =>
        !char.IsControl(sign)
        && sign
            is not (
                '\u2028'
                or '\u2029'
                or (>= '\u202A' and <= '\u202E')
                or (>= '\u2066' and <= '\u2069')
                or '\u200E'
                or '\u200F'
                or '\u061C'
            );
}
