using System.Text.Json;

namespace Dolmen.Artifacts;

/// <summary>A value within a row of a data file that knows where it stands, so that every complaint names file, line and key.</summary>
/// <param name="Place">Such as "messages[1].content"; empty for the row itself.</param>
public readonly record struct JsonRow(JsonElement Value, string File, long Line, string Place = "")
{
    private const int LongestShown = 40;

    public DataPlace At => new(File, Line);

    /// <param name="what">Goes on from the key: "is 5: it must be a string".</param>
    public UserErrorException Error(string what) =>
        new($"{File}, line {Line}: {(Place.Length == 0 ? "the row" : Place)} {what}. Correct the line or remove it.");

    public bool IsString => Value.ValueKind == JsonValueKind.String;

    public bool IsList => Value.ValueKind == JsonValueKind.Array;

    public bool IsObject => Value.ValueKind == JsonValueKind.Object;

    /// <summary>An object of which no key stands twice: of two, one would be left out unseen.</summary>
    public void RequireObject()
    {
        if (!IsObject) throw Error($"is {Shown}: it must be an object");
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in Value.EnumerateObject())
            if (!names.Add(member.Name)) throw Error($"has the key \"{member.Name}\" twice: which one counts cannot be told");
    }

    /// <summary>A member, also one that is null; null where there is none.</summary>
    public JsonRow? Member(string name) =>
        Value.TryGetProperty(name, out var member) ? this with { Value = member, Place = Inner(name) } : null;

    /// <summary>A member that is there and not null.</summary>
    public JsonRow? Find(string name) => Member(name) is { Value.ValueKind: not JsonValueKind.Null } found ? found : null;

    /// <summary>The first of several members that is there and not null.</summary>
    public JsonRow? FindAny(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (Find(name) is { } found) return found;
        return null;
    }

    public string Text() => IsString ? Value.GetString() ?? "" : throw Error($"is {Shown}: it must be a string");

    public IReadOnlyList<JsonRow> Items()
    {
        if (!IsList) throw Error($"is {Shown}: it must be a list");
        var items = new List<JsonRow>(Value.GetArrayLength());
        foreach (var item in Value.EnumerateArray()) items.Add(this with { Value = item, Place = $"{Place}[{items.Count}]" });
        return items;
    }

    /// <summary>The value in a message: short ones as they stand.</summary>
    public string Shown => Value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        _ when Value.GetRawText() is { Length: <= LongestShown } text => text,
        _ => "a long string",
    };

    private string Inner(string name) => Place.Length == 0 ? name : $"{Place}.{name}";
}
