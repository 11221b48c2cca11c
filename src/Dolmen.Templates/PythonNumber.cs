using System.Globalization;
using System.Numerics;

namespace Dolmen.Templates;

/// <summary>Numbers as Python calculates with them and writes them: whole ones of any size, floats with the fewest digits that tell them
/// apart.</summary>
internal static class PythonNumber
{
    /// <summary>Python's own limit for a whole number's text.</summary>
    public const int MostDigits = 4300;

    private const long MostBits = 15_000;

    public static string Format(double value)
    {
        if (double.IsNaN(value)) return "nan";
        if (double.IsInfinity(value)) return value > 0 ? "inf" : "-inf";
        if (value == 0) return double.IsNegative(value) ? "-0.0" : "0.0";
        // .NET chooses its own place for the point; the digits are the same.
        var shortest = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        var e = shortest.IndexOf('E');
        var mantissa = e < 0 ? shortest : shortest[..e];
        var point = mantissa.IndexOf('.') is var at && at < 0 ? mantissa.Length : at;
        var digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        var zeros = digits.AsSpan().IndexOfAnyExcept('0');
        var exponent = (e < 0 ? 0 : int.Parse(shortest.AsSpan(e + 1), CultureInfo.InvariantCulture)) + point - 1 - zeros;
        var figures = digits.Trim('0');
        var sign = value < 0 ? "-" : "";
        if (exponent is < -4 or >= 16)
        {
            var leading = figures.Length > 1 ? figures[..1] + "." + figures[1..] : figures;
            return $"{sign}{leading}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }
        if (exponent < 0) return $"{sign}0.{new string('0', -exponent - 1)}{figures}";
        if (figures.Length <= exponent + 1) return $"{sign}{figures.PadRight(exponent + 1, '0')}.0";
        return $"{sign}{figures[..(exponent + 1)]}.{figures[(exponent + 1)..]}";
    }

    public static string Format(BigInteger value)
    {
        var text = value.ToString(CultureInfo.InvariantCulture);
        return text.Length <= MostDigits + 1 ? text
            : throw new TemplateException($"a number of {text.Length} digits is too long to write: at most {MostDigits} digits");
    }

    public static BigInteger? Integer(object value) => value switch
    {
        bool flag => flag ? 1 : 0,
        BigInteger number => number,
        _ => null,
    };

    public static double? Float(object value) => value switch
    {
        double number => number,
        _ => Integer(value) is { } whole ? (double)whole : null,
    };

    public static BigInteger Bounded(BigInteger value) => value.GetBitLength() <= MostBits ? value
        : throw new TemplateException($"a number becomes larger than {MostBits} bits");

    public static object Calculate(string sign, object left, object right)
    {
        if (Integer(left) is { } a && Integer(right) is { } b) return OfIntegers(sign, a, b);
        if (Float(left) is not { } x || Float(right) is not { } y)
            throw new TemplateException($"'{sign}' cannot join {Python.Named(left)} and {Python.Named(right)}");
        if (y == 0 && sign is "/" or "//" or "%") throw new TemplateException("a number is divided by zero");
        return sign switch
        {
            "+" => x + y,
            "-" => x - y,
            "*" => x * y,
            "/" => x / y,
            "//" => Math.Round((x - Modulo(x, y)) / y),
            "%" => Modulo(x, y),
            _ => x == 0 && y < 0 ? throw new TemplateException("zero has no negative power")
                : x < 0 && !double.IsInteger(y) ? throw new TemplateException("a negative number has no such power") : Math.Pow(x, y),
        };
    }

    public static object OfIntegers(string sign, BigInteger a, BigInteger b)
    {
        if (b.IsZero && sign is "/" or "//" or "%") throw new TemplateException("a number is divided by zero");
        switch (sign)
        {
            case "+": return Bounded(a + b);
            case "-": return Bounded(a - b);
            case "*": return Bounded(a * b);
            case "/": return Ratio(a, b);
            case "//": return FloorDivide(a, b);
            case "%": return a - b * FloorDivide(a, b);
            default: return Power(a, b);
        }
    }

    private static object Power(BigInteger a, BigInteger b)
    {
        if (b.Sign < 0)
            return a.IsZero ? throw new TemplateException("zero has no negative power") : Math.Pow((double)a, (double)b);
        if (b.IsZero)
            return BigInteger.One;
        if (BigInteger.Abs(a) <= 1)
            return b.IsEven ? a * a : a;
        if (b > MostBits || a.GetBitLength() * (long)b > 2 * MostBits)
            throw new TemplateException($"a power becomes larger than {MostBits} bits");
        return Bounded(BigInteger.Pow(a, (int)b));
    }

    private static double Ratio(BigInteger a, BigInteger b)
    {
        var ratio = (double)a / (double)b;
        return double.IsNaN(ratio) || double.IsInfinity(ratio) ? throw new TemplateException("a quotient is too large for a float") : ratio;
    }

    private static BigInteger FloorDivide(BigInteger a, BigInteger b)
    {
        var quotient = BigInteger.DivRem(a, b, out var rest);
        return !rest.IsZero && rest.Sign != b.Sign ? quotient - 1 : quotient;
    }

    private static double Modulo(double x, double y)
    {
        var rest = x % y;
        if (rest == 0) return Math.CopySign(0, y);
        return rest < 0 != y < 0 ? rest + y : rest;
    }
}
