using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>A JSON value that knows its file and its place there, so that every complaint names both.</summary>
internal readonly record struct JsonField(JsonElement Element, string File, string Place)
{
    public UserErrorException Error(string what) => new($"{File}: {(Place.Length == 0 ? "the document" : Place)} {what}.");

    public JsonField Get(string name)
    {
        Expect(JsonValueKind.Object);
        return Element.TryGetProperty(name, out var value) ? At(value, name) : throw Error($"has no member '{name}'");
    }

    /// <summary>Missing or null.</summary>
    public bool IsAbsent(string name)
    {
        Expect(JsonValueKind.Object);
        return !Element.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null;
    }

    public void Only(params ReadOnlySpan<string> names)
    {
        foreach (var (name, _) in Members())
            if (!names.Contains(name)) throw Error($"has the unknown member '{name}'");
    }

    public IEnumerable<(string Name, JsonField Value)> Members()
    {
        Expect(JsonValueKind.Object);
        foreach (var member in Element.EnumerateObject()) yield return (member.Name, At(member.Value, member.Name));
    }

    public IEnumerable<JsonField> Items()
    {
        Expect(JsonValueKind.Array);
        var index = 0;
        foreach (var item in Element.EnumerateArray()) yield return new JsonField(item, File, $"{Place}[{index++}]");
    }

    public string Text()
    {
        Expect(JsonValueKind.String);
        return Element.GetString() ?? "";
    }

    /// <summary>The field's number, at least 0 and below <paramref name="limit"/>.</summary>
    public int Number(int limit)
    {
        Expect(JsonValueKind.Number);
        return Element.TryGetInt32(out var value) && value >= 0 && value < limit
            ? value
            : throw Error($"is {Element.GetRawText()}: it must be a whole number from 0 to {limit - 1}");
    }

    public bool Flag() => Element.ValueKind is JsonValueKind.True or JsonValueKind.False
        ? Element.GetBoolean() : throw Error($"is {Element.ValueKind}: it must be true or false");

    public void MustBe(string expected)
    {
        if (Text() != expected) throw Error($"is '{Text()}': Dolmen reads only '{expected}' here");
    }

    public void MustBe(bool expected)
    {
        Expect(expected ? JsonValueKind.True : JsonValueKind.False, $"Dolmen reads only {(expected ? "true" : "false")} here");
    }

    /// <summary>Some software writes an empty text for what is not there.</summary>
    public void MustBeNothing()
    {
        if (Element.ValueKind != JsonValueKind.String || Text().Length > 0)
            throw Error($"is {Element.GetRawText()}: byte-level BPE has none");
    }

    private void Expect(JsonValueKind kind, string? rule = null)
    {
        if (Element.ValueKind != kind) throw Error($"is {Element.ValueKind}: {rule ?? $"it must be {kind}"}");
    }

    private JsonField At(JsonElement value, string name) => new(value, File, Place.Length == 0 ? name : $"{Place}.{name}");
}
