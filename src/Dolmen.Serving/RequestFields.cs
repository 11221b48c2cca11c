using System.Globalization;
using System.Text.Json;

namespace Dolmen.Serving;

/// <summary>A request's fields with their types checked. JSON null counts as left out, as clients send it for their defaults.</summary>
internal sealed class RequestFields(JsonElement body)
{
    public JsonElement? this[string name] =>
        body.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public string? Text(string name) => this[name] switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } value => Unicode(name, value),
        { } value => throw Wrong(name, "a string", value),
    };

    public bool? Flag(string name) => this[name] switch
    {
        null => null,
        { ValueKind: JsonValueKind.True or JsonValueKind.False } value => value.GetBoolean(),
        { } value => throw Wrong(name, "true or false", value),
    };

    public double Number(string name, double otherwise, double least, double most) => this[name] switch
    {
        null => otherwise,
        { ValueKind: JsonValueKind.Number } value when value.TryGetDouble(out var number) && number >= least && number <= most => number,
        { } value => throw Wrong(name, $"a number from {least} to {most}", value),
    };

    /// <summary>One of a few words.</summary>
    public string? Choice(string name, params string[] words) => this[name] switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } value when words.FirstOrDefault(word => value.ValueEquals(word)) is { } word => word,
        { } value => throw Wrong(name, string.Join(" or ", words), value),
    };

    public long? Integer(string name, long least, long most) => this[name] switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } value when value.TryGetInt64(out var number) && number >= least && number <= most => number,
        { } value => throw Wrong(name, least == long.MinValue ? "an integer"
            : most < int.MaxValue ? $"an integer from {least} to {most}" : $"an integer of at least {least}", value),
    };

    public IReadOnlyList<int> Ids(string name, int vocabulary)
    {
        if (this[name] is not { } value) return [];
        if (value.ValueKind != JsonValueKind.Array) throw Wrong(name, "an array of token ids", value);
        return [.. value.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var id) && id >= 0
            && id < vocabulary ? id : throw Wrong(name, $"an array of token ids from 0 to {vocabulary - 1}", item))];
    }

    /// <summary>An object from token ids, which JSON writes as names, to numbers from −100 to 100.</summary>
    public IReadOnlyDictionary<int, double> Bias(string name, int vocabulary)
    {
        var bias = new Dictionary<int, double>();
        if (this[name] is not { } value) return bias;
        if (value.ValueKind != JsonValueKind.Object) throw Wrong(name, "an object from token ids to numbers", value);
        foreach (var (text, change) in value.EnumerateObject().Select(member => (member.Name, member.Value)))
        {
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) || id >= vocabulary)
            {
                throw ApiErrorException.Invalid($"'{name}' must name token ids from 0 to {vocabulary - 1}.", name);
            }
            bias[id] = change.ValueKind == JsonValueKind.Number && change.TryGetDouble(out var number) && Math.Abs(number) <= 100
                ? number : throw Wrong($"{name}.{id}", "a number from -100 to 100", change);
        }
        return bias;
    }

    public IReadOnlyList<string> Texts(string name, int most)
    {
        if (this[name] is not { } value) return [];
        if (value.ValueKind == JsonValueKind.String) return Unicode(name, value) is { Length: > 0 } text ? [text] : [];
        if (value.ValueKind != JsonValueKind.Array) throw Wrong(name, "a string or an array of strings", value);
        if (value.GetArrayLength() > most)
        {
            throw ApiErrorException.Invalid($"'{name}' has {value.GetArrayLength()} entries; at most {most} are allowed.", name);
        }
        return [.. value.EnumerateArray()
            .Select(item => item.ValueKind == JsonValueKind.String ? Unicode(name, item)
                : throw Wrong(name, "a string or an array of strings", item))
            .Where(text => text.Length > 0)];
    }

    public static ApiErrorException Wrong(string name, string expected, JsonElement value) =>
        ApiErrorException.Invalid($"'{name}' must be {expected}, not {Shown(value)}.", name);

    /// <summary>An unpaired surrogate (<c>"\ud800"</c>) is JSON but not text.</summary>
    public static string Unicode(string name, JsonElement value)
    {
        try
        {
            return value.GetString() ?? "";
        }
        catch (InvalidOperationException)
        {
            throw ApiErrorException.Invalid($"'{name}' holds an unpaired surrogate, which is not Unicode text.", name);
        }
    }

    private static string Shown(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= 40 ? text : string.Concat(text.AsSpan(0, 40), "…");
    }
}
