using System.Globalization;
using System.Numerics;

namespace Dolmen.Templates;

/// <summary>Numbers as Python writes them: 12, 1_000, 0x1f, 0b11, 0o17, 1.5, 2e-3.</summary>
internal static class NumberLiteral
{
    public static (int Length, bool IsFloat) Measure(ReadOnlySpan<char> text)
    {
        if (text.Length > 2 && text[0] == '0' && Digit(text[1]) is var radix and not 0)
        {
            var end = 2;
            while (end < text.Length && (IsDigit(text[end], radix)
                || (text[end] == '_' && end + 1 < text.Length && IsDigit(text[end + 1], radix)))) end++;
            if (end > 2) return (end, false);
        }
        var at = Digits(text, 0);
        var whole = at;
        if (at + 1 < text.Length && text[at] == '.' && char.IsAsciiDigit(text[at + 1])) at = Digits(text, at + 1);
        if (at < text.Length && text[at] is 'e' or 'E')
        {
            var exponent = at + 1 < text.Length && text[at + 1] is '+' or '-' ? at + 2 : at + 1;
            if (exponent < text.Length && char.IsAsciiDigit(text[exponent])) at = Digits(text, exponent);
        }
        return (at, at > whole);
    }

    /// <exception cref="TemplateException">The text is too long or is not a number.</exception>
    public static BigInteger Integer(string text, int line)
    {
        var digits = text.Replace("_", "", StringComparison.Ordinal);
        if (digits.Length > PythonNumber.MostDigits)
            throw new TemplateException(
                $"a number of {digits.Length} digits is too long: at most {PythonNumber.MostDigits} are read",
                line
            );
        var radix = digits.Length > 2 && digits[0] == '0' ? Digit(digits[1]) : 0;
        if (radix == 0) return BigInteger.Parse(digits, CultureInfo.InvariantCulture);
        var value = BigInteger.Zero;
        foreach (var c in digits.AsSpan(2)) value = value * radix + Convert.ToInt32(c.ToString(), 16);
        return value;
    }

    public static double Float(string text) =>
        double.Parse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture);

    private static int Digits(ReadOnlySpan<char> text, int at)
    {
        while (at < text.Length && (char.IsAsciiDigit(text[at])
            || (text[at] == '_' && at + 1 < text.Length && char.IsAsciiDigit(text[at + 1])))) at++;
        return at;
    }

    private static int Digit(char sign) => sign switch { 'x' or 'X' => 16, 'o' or 'O' => 8, 'b' or 'B' => 2, _ => 0 };

    private static bool IsDigit(char c, int radix) => radix == 16 ? char.IsAsciiHexDigit(c) : c >= '0' && c < '0' + radix;
}
