using System.Globalization;
using System.Numerics;

namespace Dolmen.Templates;

/// <summary>How wide and how exact a formatted value is: the part of Python's format specifications that templates need.</summary>
internal readonly record struct FormatSpec(char Fill, char Align, char Sign, bool Commas, int Width, int? Precision, char Type)
{
    private const int Widest = 10_000;

    /// <summary>Reads what stands after the colon of <c>{:…}</c>.</summary>
    public static FormatSpec Read(string spec)
    {
        var at = 0;
        var (fill, align, sign) = (' ', '\0', '-');
        if (spec.Length > 1 && spec[1] is '<' or '>' or '^' or '=') (fill, align, at) = (spec[0], spec[1], 2);
        else if (spec.Length > 0 && spec[0] is '<' or '>' or '^' or '=') (align, at) = (spec[0], 1);
        if (at < spec.Length && spec[at] is '+' or '-' or ' ') sign = spec[at++];
        if (at < spec.Length && spec[at] == '0' && align == '\0') (fill, align, at) = ('0', '=', at + 1);
        var width = ReadNumber(spec, ref at) ?? 0;
        var commas = at < spec.Length && spec[at] == ',';
        if (commas) at++;
        int? precision = null;
        if (at < spec.Length && spec[at] == '.')
        {
            at++;
            precision = ReadNumber(spec, ref at) ?? throw new TemplateException($"the format '{spec}' has no digits after its point");
        }
        var type = at < spec.Length ? spec[at++] : '\0';
        if (at != spec.Length) throw new TemplateException($"the format '{spec}' is not one of Python's");
        return new FormatSpec(fill, align, sign, commas, width, precision, type);
    }

    public static int? ReadNumber(string text, ref int at)
    {
        int? number = null;
        for (; at < text.Length && char.IsAsciiDigit(text[at]); at++)
        {
            number = (number ?? 0) * 10 + text[at] - '0';
            if (number > Widest) throw new TemplateException($"a format is wider than {Widest}");
        }
        return number;
    }

    public Text Apply(object value, Rendering rendering)
    {
        if (Type is '\0' or 's' && value is not (bool or BigInteger or double))
        {
            var text = Printing.Text(value, rendering);
            if (Precision is { } most) text = text.Slice(0, CodePoints.Offset(text.Value, Math.Min(most, CodePoints.Count(text.Value))));
            return Pad(text, '<');
        }
        if (value is bool && Type is '\0' or 's') return Pad(Printing.Text(value, rendering), '<');
        return Pad(new Text(Number(value)), '>');
    }

    private string Number(object value)
    {
        string digits;
        bool negative;
        if (Type is 'd' or 'x' or 'X' or 'o' or 'b' or 'c' || (Type is '\0' or 's' && value is BigInteger))
        {
            var whole =
                PythonNumber.Integer(value)
                ?? throw new TemplateException($"the format '{Type}' needs a whole number, not {Python.Named(value)}");
            negative = whole.Sign < 0;
            var size = BigInteger.Abs(whole);
            digits = Type switch
            {
                'x' => size.ToString("x", CultureInfo.InvariantCulture).TrimStart('0'),
                'X' => size.ToString("X", CultureInfo.InvariantCulture).TrimStart('0'),
                'b' => size.ToString("b", CultureInfo.InvariantCulture).TrimStart('0'),
                'o' => Octal(size),
                'c' => size < 0x110000 && System.Text.Rune.IsValid((int)size) ? new System.Text.Rune((int)size).ToString()
                    : throw new TemplateException($"{size} is not a character"),
                _ => Commas ? size.ToString("N0", CultureInfo.InvariantCulture) : PythonNumber.Format(size),
            };
            if (digits.Length == 0) digits = "0";
        }
        else
        {
            var number =
                PythonNumber.Float(value) ?? throw new TemplateException($"the format '{Type}' needs a number, not {Python.Named(value)}");
            negative = number < 0;
            number = Math.Abs(number);
            var places = Precision ?? 6;
            digits = Type switch
            {
                'f' or 'F' => number.ToString((Commas ? "N" : "F") + places, CultureInfo.InvariantCulture),
                'e' or 'E' => number.ToString(
                    "0." + new string('0', places) + (Type == 'e' ? "e+00" : "E+00"),
                    CultureInfo.InvariantCulture
                ),
                '%' => (number * 100).ToString("F" + places, CultureInfo.InvariantCulture) + "%",
                'g' or 'G' => General(number, Math.Max(1, places)),
                '\0' or 's' => Precision is { } most ? General(number, Math.Max(1, most)) : PythonNumber.Format(number),
                _ => throw new TemplateException($"the format type '{Type}' is not known"),
            };
        }
        return (negative ? "-" : Sign == '-' ? "" : Sign.ToString()) + digits;
    }

    private static string General(double number, int places)
    {
        if (number == 0) return "0";
        var rounded = number.ToString("E" + (places - 1), CultureInfo.InvariantCulture);
        var exponent = int.Parse(rounded.AsSpan(rounded.IndexOf('E') + 1), CultureInfo.InvariantCulture);
        string Short(string digits) => digits.Contains('.') ? digits.TrimEnd('0').TrimEnd('.') : digits;
        return exponent < -4 || exponent >= places
            ? $"{Short(rounded[..rounded.IndexOf('E')])}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}"
            : Short(number.ToString("F" + Math.Max(0, places - 1 - exponent), CultureInfo.InvariantCulture));
    }

    private static string Octal(BigInteger value)
    {
        var digits = new System.Text.StringBuilder();
        for (; value > 0; value /= 8) digits.Insert(0, (char)('0' + (int)(value % 8)));
        return digits.ToString();
    }

    private Text Pad(Text text, char usual) => Padding.Pad(text, Width, Fill, Align == '\0' ? usual : Align);
}
