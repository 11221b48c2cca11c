using System.Globalization;
using System.Text;

namespace Dolmen.Templates;

/// <summary>Dates as C's strftime writes them, in English.</summary>
internal static class StrFTime
{
    public static string Format(DateTimeOffset time, string format)
    {
        if (format.Length > 1000) throw new TemplateException("strftime_now: a date's format has at most 1000 characters");
        var result = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                result.Append(format[i]);
                continue;
            }
            var plain = format[++i] == '-' && i + 1 < format.Length;
            var part = Part(time, plain ? format[++i] : format[i]);
            result.Append(plain && part.TrimStart('0', ' ') is { Length: > 0 } bare ? bare : part);
        }
        return result.ToString();
    }

    private static string Part(DateTimeOffset time, char code)
    {
        string As(string format) => time.ToString(format, CultureInfo.InvariantCulture);
        return code switch
        {
            'Y' => As("yyyy"),
            'y' => As("yy"),
            'm' => As("MM"),
            'd' => As("dd"),
            'e' => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
            'H' => As("HH"),
            'I' => As("hh"),
            'M' => As("mm"),
            'S' => As("ss"),
            'f' => As("ffffff"),
            'p' => As("tt"),
            'A' => As("dddd"),
            'a' => As("ddd"),
            'B' => As("MMMM"),
            'b' or 'h' => As("MMM"),
            'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
            'w' => ((int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
            'u' => (time.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
            'D' => As("MM/dd/yy"),
            'F' => As("yyyy-MM-dd"),
            'T' or 'X' => As("HH:mm:ss"),
            'R' => As("HH:mm"),
            'x' => As("MM/dd/yy"),
            'c' => $"{As("ddd MMM")} {time.Day,2} {As("HH:mm:ss yyyy")}",
            's' => time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
            'z' or 'Z' => "",                                            // datetime.now() knows no zone
            'n' => "\n",
            't' => "\t",
            '%' => "%",
            _ => throw new TemplateException($"strftime_now: '%{code}' is not part of a date that is known here"),
        };
    }
}
