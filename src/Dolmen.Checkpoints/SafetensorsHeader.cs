using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Checkpoints;

/// <summary>One tensor of a safetensors file. <paramref name="Dtype"/> is the format's name ("F32", "BF16", "I64", …); the offsets count
/// from the end of the header.</summary>
public sealed record SafetensorsEntry(string Name, string Dtype, long[] Shape, long Begin, long End)
{
    public long Elements => Shape.Aggregate(1L, (product, size) => product * size);
}

/// <summary>Reads the JSON header of a safetensors file and checks it against the length of the data that follows: every byte belongs to
/// exactly one tensor, and every tensor has as many bytes as its type and shape need.</summary>
internal static class SafetensorsHeader
{
    public const long MaxBytes = 100_000_000;

    public static List<SafetensorsEntry> Parse(string file, ReadOnlyMemory<byte> header, long dataBytes)
    {
        if (header.IsEmpty || header.Span[0] != (byte)'{') throw Damaged(file, "its header does not begin with '{'");
        try
        {
            using var document = JsonDocument.Parse(header);
            return Entries(file, document.RootElement, dataBytes);
        }
        // The latter exception: text that is not UTF-8.
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw Damaged(file, $"its header is not JSON ({error.Message})", error);
        }
    }

    private static List<SafetensorsEntry> Entries(string file, JsonElement root, long dataBytes)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var entries = new List<SafetensorsEntry>();
        foreach (var property in root.EnumerateObject())
        {
            if (!names.Add(property.Name)) throw Damaged(file, $"tensor '{property.Name}' is listed twice");
            if (property.Name != "__metadata__") entries.Add(Entry(file, property, dataBytes));
        }
        CheckCoverage(file, entries, dataBytes);
        return entries;
    }

    private static SafetensorsEntry Entry(string file, JsonProperty property, long dataBytes)
    {
        UserErrorException Bad(string rule) => Damaged(file, $"tensor '{property.Name}': {rule}");
        string? dtype = null;
        long[]? shape = null, offsets = null;
        if (property.Value.ValueKind != JsonValueKind.Object) throw Bad("its entry is not an object");
        foreach (var field in property.Value.EnumerateObject())
        {
            switch (field.Name)
            {
                case "dtype" when dtype is null && field.Value.ValueKind == JsonValueKind.String: dtype = field.Value.GetString(); break;
                case "shape" when shape is null: shape = Longs(field.Value); break;
                case "data_offsets" when offsets is null: offsets = Longs(field.Value); break;
                default: throw Bad($"the field '{field.Name}' is unknown, repeated or of the wrong type");
            }
        }
        if (dtype is null || shape is null || offsets is not { Length: 2 }) throw Bad("dtype, shape and two data_offsets are all needed");
        var elementBytes = TensorDtypes.ElementBytes(dtype);
        if (elementBytes == 0) throw Bad($"dtype '{dtype}' is unknown");
        var (begin, end) = (offsets[0], offsets[1]);
        if (begin > end || end > dataBytes)
        {
            throw Bad($"data_offsets [{begin}, {end}] do not lie within the {dataBytes} bytes of data: the file is cut off or altered");
        }
        var needed = (Int128)elementBytes;
        foreach (var size in shape)
        {
            needed *= size;
            if (needed > dataBytes) break;
        }
        if (shape.Contains(0)) needed = 0;
        if (needed != end - begin)
        {
            throw Bad($"dtype {dtype} and shape [{string.Join(", ", shape)}] need another number of bytes than the {end - begin} its " +
                "data_offsets hold");
        }
        return new SafetensorsEntry(property.Name, dtype, shape, begin, end);

        long[] Longs(JsonElement array)
        {
            if (array.ValueKind != JsonValueKind.Array || array.GetArrayLength() > 32)
            {
                throw Bad("shape and data_offsets are arrays of numbers");
            }
            return [.. array.EnumerateArray().Select(item =>
                item.ValueKind == JsonValueKind.Number && item.TryGetInt64(out var number) && number >= 0 ? number
                    : throw Bad("a size or offset is not a whole number"))];
        }
    }

    private static void CheckCoverage(string file, List<SafetensorsEntry> entries, long dataBytes)
    {
        long at = 0;
        foreach (var entry in entries.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End))
        {
            if (entry.Begin != at)
            {
                throw Damaged(file, $"tensor '{entry.Name}' begins at {entry.Begin} where {at} was due: tensors must neither overlap nor " +
                    "leave holes");
            }
            at = entry.End;
        }
        if (at != dataBytes) throw Damaged(file, $"its tensors end at byte {at} of {dataBytes}: every byte must belong to a tensor");
    }

    public static UserErrorException Damaged(string file, string rule, Exception? cause = null)
    {
        var message = $"'{file}' is not a whole safetensors file: {rule}. Export or fetch it again.";
        return cause is null ? new UserErrorException(message) : new UserErrorException(message, cause);
    }
}
