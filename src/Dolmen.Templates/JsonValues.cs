using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Dolmen.Templates;

/// <summary>JSON as a template sees it; all its strings are data, and unless told otherwise not the assistant's.</summary>
public static class JsonValues
{
    private const int Deepest = 100;

    public static object Of(JsonElement element, Origin origin = Origin.Data | Origin.Others, int depth = 0)
    {
        if (depth > Deepest) throw new TemplateException($"the input nests more than {Deepest} levels deep");
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var dict = new Dict();
                foreach (var member in element.EnumerateObject())
                    dict.Set(new Text(member.Name, origin), Of(member.Value, origin, depth + 1));
                return dict;
            case JsonValueKind.Array:
                var items = new List<object>(element.GetArrayLength());
                foreach (var item in element.EnumerateArray()) items.Add(Of(item, origin, depth + 1));
                return new Sequence(items);
            case JsonValueKind.String: return new Text(element.GetString() ?? "", origin);
            case JsonValueKind.Number: return Number(element.GetRawText());
            case JsonValueKind.True: return true;
            case JsonValueKind.False: return false;
            default: return None.Value;
        }
    }

    private static object Number(string text) => text.AsSpan().IndexOfAny('.', 'e', 'E') >= 0
        ? double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture)
        : text.Length <= PythonNumber.MostDigits ? BigInteger.Parse(text, CultureInfo.InvariantCulture)
        : throw new TemplateException($"the input has a number of {text.Length} digits: at most {PythonNumber.MostDigits} are read");
}
