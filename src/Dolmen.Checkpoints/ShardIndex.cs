using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Checkpoints;

/// <summary>Which file of a model folder holds which tensor: <c>model.safetensors</c> alone, or several shards with
/// <c>model.safetensors.index.json</c> (<c>{"metadata":{"total_size":…},"weight_map":{tensor: file}}</c>).</summary>
internal static class ShardIndex
{
    public const string SingleFile = "model.safetensors";
    public const string IndexFile = "model.safetensors.index.json";

    private const long MaxIndexBytes = 100_000_000;
    private const int MaxShards = 10_000;

    /// <summary>Names of the weight files, in ordinal order.</summary>
    /// <exception cref="UserErrorException">No weights, or an index that is damaged or leaves the folder.</exception>
    public static IReadOnlyList<string> Files(string directory, out Dictionary<string, string>? weightMap)
    {
        weightMap = null;
        var indexPath = Path.Combine(directory, IndexFile);
        if (File.Exists(indexPath))
        {
            weightMap = Read(indexPath);
            return [.. weightMap.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        }
        if (File.Exists(Path.Combine(directory, SingleFile))) return [SingleFile];
        throw new UserErrorException($"'{directory}' has neither {SingleFile} nor {IndexFile}: a model folder needs its weights. Export " +
            "or fetch the model again.");
    }

    /// <summary>Tensors in file order, cut into files of at most <paramref name="maxBytes"/> (a larger tensor has its own).</summary>
    public static List<(string File, List<TensorShape> Tensors)> Plan(IReadOnlyList<TensorShape> tensors, int bytesPerElement,
        long maxBytes)
    {
        var groups = new List<List<TensorShape>> { new() };
        long inGroup = 0;
        foreach (var tensor in tensors)
        {
            var bytes = tensor.Elements * bytesPerElement;
            if (inGroup > 0 && inGroup + bytes > maxBytes)
            {
                groups.Add([]);
                inGroup = 0;
            }
            groups[^1].Add(tensor);
            inGroup += bytes;
        }
        if (groups.Count == 1) return [(SingleFile, groups[0])];
        return [.. groups.Select((group, i) => ($"model-{i + 1:00000}-of-{groups.Count:00000}.safetensors", group))];
    }

    public static void Write(string path, IReadOnlyList<(string File, List<TensorShape> Tensors)> plan, int bytesPerElement) =>
        AtomicFile.Write(path, stream =>
    {
        using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" });
        writer.WriteStartObject();
        writer.WriteStartObject("metadata");
        writer.WriteNumber("total_size", plan.Sum(shard => shard.Tensors.Sum(tensor => tensor.Elements)) * bytesPerElement);
        writer.WriteEndObject();
        writer.WriteStartObject("weight_map");
        foreach (var (file, tensors) in plan)
        {
            foreach (var tensor in tensors) writer.WriteString(tensor.Name, file);
        }
        writer.WriteEndObject();
        writer.WriteEndObject();
    });

    private static Dictionary<string, string> Read(string path)
    {
        UserErrorException Bad(string rule) => new($"'{path}' is not a usable weight index: {rule}. Export or fetch the model again.");
        if (new FileInfo(path).Length > MaxIndexBytes) throw Bad($"it is larger than {MaxIndexBytes} bytes");
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        using var document = JsonInput.Parse(RegularFile.ReadAllBytes(path), path);
        if (document.RootElement.ValueKind != JsonValueKind.Object
            || !document.RootElement.TryGetProperty("weight_map", out var weights) || weights.ValueKind != JsonValueKind.Object)
        {
            throw Bad("it has no object 'weight_map'");
        }
        foreach (var entry in weights.EnumerateObject())
        {
            var file = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString() : null;
            if (file is null || !IsPlainName(file))
            {
                throw Bad($"tensor '{entry.Name}' is said to be in '{file}', which is not the name of a .safetensors file in the " +
                    "same folder");
            }
            if (!map.TryAdd(entry.Name, file)) throw Bad($"tensor '{entry.Name}' is listed twice");
        }
        if (map.Count == 0) throw Bad("its 'weight_map' is empty");
        if (map.Values.Distinct(StringComparer.Ordinal).Count() > MaxShards) throw Bad($"it names more than {MaxShards} files");
        return map;
    }

    private static bool IsPlainName(string name) =>
        name.EndsWith(".safetensors", StringComparison.Ordinal) && name.Length < 256 && !name.StartsWith('.')
        && name.AsSpan().IndexOfAny("/\\:\0") < 0;
}
