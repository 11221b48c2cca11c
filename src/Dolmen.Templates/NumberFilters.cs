using System.Globalization;
using System.Numerics;

namespace Dolmen.Templates;

/// <summary>Filters that make numbers.</summary>
internal static class NumberFilters
{
    public static object Abs(object input, Arguments arguments, Rendering rendering)
    {
        arguments.Bind("abs");
        return PythonNumber.Integer(input) is { } whole ? BigInteger.Abs(whole)
            : input is double number ? Math.Abs(number) : throw new TemplateException($"abs needs a number, not {Python.Named(input)}");
    }

    public static object Int(object input, Arguments arguments, Rendering rendering)
    {
        var given = arguments.Bind("int", "default", "base");
        var otherwise = given[0] ?? BigInteger.Zero;
        if (input is Undefined undefined) throw new TemplateException(undefined.Why);
        if (PythonNumber.Integer(input) is { } whole) return whole;
        if (input is double number) return double.IsFinite(number) ? new BigInteger(Math.Truncate(number)) : otherwise;
        if (input is not Text text) return otherwise;
        if (WholeOf(text.Value, Arguments.Int32(given[1], "int", "base", 10)) is { } read) return read;
        return FloatOf(text.Value) is { } parsed && double.IsFinite(parsed) ? new BigInteger(Math.Truncate(parsed)) : otherwise;
    }

    public static object Float(object input, Arguments arguments, Rendering rendering)
    {
        var otherwise = arguments.Bind("float", "default")[0] ?? 0.0;
        if (input is Undefined undefined) throw new TemplateException(undefined.Why);
        return PythonNumber.Float(input) ?? (input is Text text ? FloatOf(text.Value) : null) ?? otherwise;
    }

    public static object Round(object input, Arguments arguments, Rendering rendering)
    {
        var given = arguments.Bind("round", "precision", "method");
        var places = Arguments.Int32(given[0], "round", "precision", 0);
        var method = Arguments.Text(given[1], "round", "method", "common").Value;
        if (method is not ("common" or "ceil" or "floor"))
            throw new TemplateException($"round: the method '{method}' is not one of common, ceil, floor");
        if (method == "common" && PythonNumber.Integer(input) is { } whole) return places >= 0 ? whole : Tens(whole, -places);
        if (PythonNumber.Float(input) is not { } number) throw new TemplateException($"round needs a number, not {Python.Named(input)}");
        if (Math.Abs(places) > 15) return number;
        // Python decides on the exact value: only one with few binary places can lie exactly in the middle, and then goes to the even
        // digit.
        if (method == "common" && places > 0 && Math.Abs(number) < 1e15 && !double.IsInteger(Math.ScaleB(number, places + 1)))
            return double.Parse(number.ToString("F" + places, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        var power = Math.Pow(10, places);
        return (method switch
        {
            "ceil" => Math.Ceiling(number * power),
            "floor" => Math.Floor(number * power),
            _ => Math.Round(number * power, MidpointRounding.ToEven),
        }) / power;
    }

    /// <summary>Rounds to the nearest ten, hundred and so on; a five goes to the even neighbour.</summary>
    private static BigInteger Tens(BigInteger value, int places)
    {
        if (places > PythonNumber.MostDigits) return 0;
        var unit = BigInteger.Pow(10, places);
        var rest = ((value % unit) + unit) % unit;
        var down = value - rest;
        var twice = (rest * 2).CompareTo(unit);
        return twice > 0 || (twice == 0 && !(down / unit).IsEven) ? down + unit : down;
    }

    public static object Sum(object input, Arguments arguments, Rendering rendering)
    {
        var given = arguments.Bind("sum", "attribute", "start");
        var path = given[0] is { } attribute and not None ? new AttributePath(attribute) : null;
        var total = given[1] ?? BigInteger.Zero;
        foreach (var item in Python.Items(input))
        {
            rendering.Budget.Step();
            total = PythonNumber.Calculate("+", total, path?.Of(item) ?? item);
        }
        return total;
    }

    private static BigInteger? WholeOf(string text, int radix)
    {
        var digits = text.Trim().Replace("_", "", StringComparison.Ordinal);
        var negative = digits.StartsWith('-');
        digits = digits.TrimStart('-', '+');
        if (digits.Length == 0 || digits.Length > PythonNumber.MostDigits) return null;
        if (radix == 16 && digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase)) digits = digits[2..];
        if (radix == 8 && digits.StartsWith("0o", StringComparison.OrdinalIgnoreCase)) digits = digits[2..];
        if (radix == 2 && digits.StartsWith("0b", StringComparison.OrdinalIgnoreCase)) digits = digits[2..];
        var value = BigInteger.Zero;
        foreach (var c in digits)
        {
            var digit = char.IsAsciiDigit(c) ? c - '0' : char.IsAsciiLetter(c) ? char.ToLowerInvariant(c) - 'a' + 10 : 99;
            if (digit >= radix) return null;
            value = value * radix + digit;
        }
        return negative ? -value : value;
    }

    private static double? FloatOf(string text)
    {
        var trimmed = text.Trim().Replace("_", "", StringComparison.Ordinal);
        return trimmed.ToLowerInvariant().TrimStart('+', '-') switch
        {
            "inf" or "infinity" => trimmed.StartsWith('-') ? double.NegativeInfinity : double.PositiveInfinity,
            "nan" => double.NaN,
            _ => double.TryParse(trimmed, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
                CultureInfo.InvariantCulture, out var value) ? value : null,
        };
    }
}
