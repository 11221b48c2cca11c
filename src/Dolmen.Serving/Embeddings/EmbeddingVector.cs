using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dolmen.Serving.Embeddings;

/// <summary>What an answer holds of a text: an array of numbers, or the base64 of their bytes, little-endian.</summary>
[JsonConverter(typeof(EmbeddingVectorConverter))]
internal readonly record struct EmbeddingVector(float[] Values, bool Base64)
{
    /// <summary>The first <paramref name="dimensions"/> numbers, of length 1 together.</summary>
    public static float[] Normalized(ReadOnlySpan<float> pooled, int? dimensions)
    {
        var values = pooled[..(dimensions ?? pooled.Length)].ToArray();
        var length = Math.Sqrt(values.Sum(value => (double)value * value));
        if (length == 0) return values;
        for (var i = 0; i < values.Length; i++) values[i] = (float)(values[i] / length);
        return values;
    }
}

internal sealed class EmbeddingVectorConverter : JsonConverter<EmbeddingVector>
{
    public override EmbeddingVector Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException();

    public override void Write(Utf8JsonWriter writer, EmbeddingVector value, JsonSerializerOptions options)
    {
        if (value.Base64)
        {
            writer.WriteBase64StringValue(MemoryMarshal.AsBytes(value.Values.AsSpan()));
            return;
        }
        writer.WriteStartArray();
        foreach (var number in value.Values) writer.WriteNumberValue(number);
        writer.WriteEndArray();
    }
}
