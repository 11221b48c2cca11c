using Dolmen.Artifacts;

namespace Dolmen.Checkpoints.Gguf;

/// <summary>Types of metadata values; the numbers are the format's.</summary>
public enum GgufValueType : uint
{
    UInt8 = 0, Int8 = 1, UInt16 = 2, Int16 = 3, UInt32 = 4, Int32 = 5, Float32 = 6, Bool = 7, String = 8, Array = 9, UInt64 = 10,
    Int64 = 11, Float64 = 12,
}

/// <summary>A metadata value. <paramref name="Content"/> is a .NET number, bool or string of the type named, or for an array
/// (<paramref name="Items"/> says of what) a typed .NET array, of <see cref="GgufValue"/> where arrays lie in arrays.</summary>
public sealed record GgufValue(GgufValueType Type, object Content, GgufValueType? Items = null)
{
    public static GgufValue Of(string value) => new(GgufValueType.String, value);

    public static GgufValue Of(uint value) => new(GgufValueType.UInt32, value);

    public static GgufValue Of(float value) => new(GgufValueType.Float32, value);

    public static GgufValue Of(bool value) => new(GgufValueType.Bool, value);

    public static GgufValue Of(string[] value) => new(GgufValueType.Array, value, GgufValueType.String);

    public static GgufValue Of(float[] value) => new(GgufValueType.Array, value, GgufValueType.Float32);

    public static GgufValue Of(int[] value) => new(GgufValueType.Array, value, GgufValueType.Int32);
}

/// <summary>The metadata of a GGUF file in their order, asked for by key and type; every refusal names the file and the key.</summary>
public sealed class GgufMetadata(string file, IReadOnlyDictionary<string, GgufValue> values)
{
    public string File => file;

    public IReadOnlyDictionary<string, GgufValue> Values => values;

    public bool Has(string key) => values.ContainsKey(key);

    public string Text(string key) => FindText(key) ?? throw Missing(key);

    public string? FindText(string key) => Find(key) is not { } value ? null
        : value.Content as string ?? throw Wrong(key, value, "a text");

    /// <summary>A whole number of any width, from 0 to 2^31 − 1.</summary>
    public int Int32(string key) => FindInt32(key) ?? throw Missing(key);

    public int? FindInt32(string key) => Find(key) is { } value
        ? AsInt32(value.Content) ?? throw Wrong(key, value, "a whole number from 0 to 2^31 - 1") : null;

    /// <summary>One number, or an array that repeats it for each layer, as llama.cpp reads sizes that may differ between layers.</summary>
    public int? FindUniform(string key) => Find(key) is not { Content: Array items } ? FindInt32(key)
        : FindInt32s(key) is [var first, ..] numbers && numbers.All(value => value == first) ? first
        : throw Refusal(key, $"is an array of {items.Length} numbers", "only one number for all layers is supported");

    public int Uniform(string key) => FindUniform(key) ?? throw Missing(key);

    /// <summary>One number for every layer, or an array with one each.</summary>
    public int[] Int32PerLayer(string key, int layers)
    {
        var value = Find(key) ?? throw Missing(key);
        if (value.Content is not Array items) return [.. Enumerable.Repeat(Int32(key), layers)];
        if (items.Length != layers) throw Wrong(key, value, $"one number or {layers}, one for each layer");
        return [.. items.Cast<object>().Select(item => AsInt32(item) ?? throw Wrong(key, value, "whole numbers from 0 to 2^31 - 1"))];
    }

    public float Number(string key) => FindNumber(key) ?? throw Missing(key);

    public float? FindNumber(string key)
    {
        if (Find(key) is not { } value) return null;
        var number = value.Content switch
        {
            float single => single,
            double wide => (float)wide,
            _ => AsInt32(value.Content) ?? throw Wrong(key, value, "a number"),
        };
        return float.IsFinite(number) ? number : throw Wrong(key, value, "a finite number");
    }

    /// <summary>A number of either sign: llama.cpp writes −1 for "not set".</summary>
    public float? FindSignedNumber(string key) => Find(key)?.Content switch
    {
        sbyte number => number,
        short number => number,
        int number => number,
        long number and >= int.MinValue and <= int.MaxValue => number,
        _ => FindNumber(key),
    };

    public bool? FindFlag(string key) => Find(key) is not { } value ? null
        : value.Content is bool flag ? flag : throw Wrong(key, value, "true or false");

    public string[] Texts(string key) => (Find(key) ?? throw Missing(key)).Content as string[] ?? throw Wrong(key, values[key], "texts");

    public float[]? FindNumbers(string key) => Find(key) is not { } value ? null
        : value.Content as float[] ?? throw Wrong(key, value, "an array of 32-bit floats");

    public int[]? FindInt32s(string key) => Find(key) is not { } value ? null
        : value.Content is Array items and not string[] and not GgufValue[]
            ? [.. items.Cast<object>().Select(item => AsInt32(item) ?? throw Wrong(key, value, "an array of whole numbers"))]
            : throw Wrong(key, value, "an array of whole numbers");

    public UserErrorException Refusal(string key, string what, string rule) =>
        new($"'{file}': {key} {what}: {rule}.");

    private static int? AsInt32(object content) => content switch
    {
        byte number => number,
        sbyte number and >= 0 => number,
        ushort number => number,
        short number and >= 0 => number,
        uint number and <= int.MaxValue => (int)number,
        int number and >= 0 => number,
        ulong number and <= int.MaxValue => (int)number,
        long number and >= 0 and <= int.MaxValue => (int)number,
        _ => null,
    };

    private GgufValue? Find(string key) => values.GetValueOrDefault(key);

    private UserErrorException Missing(string key) =>
        new($"'{file}' has no metadata '{key}', which a model of its architecture needs. Convert or fetch the model again.");

    private UserErrorException Wrong(string key, GgufValue value, string rule) =>
        Refusal(key, Shown(value), $"it must be {rule}. Convert or fetch the model again");

    /// <summary>"is 4", for a message about the key.</summary>
    public string Shown(string key) => Shown(values[key]);

    private static string Shown(GgufValue value) => value.Content switch
    {
        Array items => $"is an array of {items.Length}",
        string text => $"is '{(text.Length > 40 ? text[..40] + "…" : text)}'",
        bool flag => flag ? "is true" : "is false",
        IFormattable number => $"is {number.ToString(null, System.Globalization.CultureInfo.InvariantCulture)}",
        var other => $"is {other}",
    };
}
