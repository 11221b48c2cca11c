using Dolmen.Artifacts;

namespace Dolmen.Checkpoints;

/// <summary>The weights of a model folder, checked when opened to be exactly the tensors its configuration asks for.</summary>
public sealed class CheckpointWeights : IDisposable
{
    private readonly List<SafetensorsFile> _files;
    private readonly Dictionary<string, SafetensorsFile> _fileOf;

    /// <summary>What the file leaves out at the beginning of names, see <see cref="Omitted"/>.</summary>
    private readonly string? _omitted;

    private CheckpointWeights(List<SafetensorsFile> files, Dictionary<string, SafetensorsFile> fileOf, string? omitted) =>
        (_files, _fileOf, _omitted) = (files, fileOf, omitted);

    /// <summary>Tensors the configuration does not ask for are named once and left, or refused where reading is strict.</summary>
    /// <exception cref="UserErrorException">No weights, a damaged file, or tensors that are missing or of another shape: all of them
    /// listed.</exception>
    public static CheckpointWeights Open(string directory, ModelConfig config, bool allowNonFinite = false, ModelReading? reading = null)
    {
        var names = ShardIndex.Files(directory, out var weightMap);
        var files = new List<SafetensorsFile>();
        try
        {
            var fileOf = new Dictionary<string, SafetensorsFile>(StringComparer.Ordinal);
            foreach (var name in names)
            {
                var file = SafetensorsFile.Open(Path.Combine(directory, name));
                files.Add(file);
                foreach (var entry in file.Entries)
                {
                    if (!fileOf.TryAdd(entry.Name, file))
                    {
                        throw new UserErrorException($"'{directory}' holds tensor '{entry.Name}' in two of its weight files. Export or " +
                            "fetch the model again.");
                    }
                }
            }
            var omitted = Omitted(config, fileOf);
            Check(directory, config, fileOf, weightMap, omitted, reading ?? ModelReading.Current);
            return new CheckpointWeights(files, fileOf, omitted) { AllowNonFinite = allowNonFinite };
        }
        catch
        {
            foreach (var file in files) file.Dispose();
            throw;
        }
    }

    /// <summary>Whether the folder has weights at all; a config.json alone describes a model too.</summary>
    public static bool Exist(string directory) => System.IO.File.Exists(Path.Combine(directory, ShardIndex.SingleFile))
        || System.IO.File.Exists(Path.Combine(directory, ShardIndex.IndexFile));

    /// <summary>Takes weights that are NaN or infinite as they are; otherwise reading one is refused.</summary>
    public bool AllowNonFinite { get; private init; }

    /// <exception cref="UserErrorException">The file ends early, or a value is NaN or infinite.</exception>
    public void Read(string name, Span<float> destination)
    {
        var file = File(name);
        file.Read(Stored(name, _omitted), destination);
        if (!AllowNonFinite) FiniteWeights.Require(file.Path, name, destination);
    }

    /// <summary>Gives each of the configuration's tensors by name in an array of its own.</summary>
    public Func<string, ReadOnlyMemory<float>> Reader(ModelConfig config)
    {
        var elements = config.Tensors().ToDictionary(tensor => tensor.Name, tensor => tensor.Elements, StringComparer.Ordinal);
        return name =>
        {
            var values = new float[elements[name]];
            Read(name, values);
            return values;
        };
    }

    /// <summary>How the tensor is stored; reading always gives floats.</summary>
    public TensorDtype DtypeOf(string name)
    {
        var dtype = File(name).Find(Stored(name, _omitted))?.Dtype;
        return TensorDtypes.FloatDtype(dtype ?? "")
            ?? throw new UserErrorException($"Tensor '{name}' has dtype {dtype}; weights must be F32, F16 or BF16. Convert the model to " +
                "one of them.");
    }

    public void Dispose()
    {
        foreach (var file in _files) file.Dispose();
    }

    private SafetensorsFile File(string name) =>
        _fileOf.TryGetValue(Stored(name, _omitted), out var file)
            ? file
            : throw new ArgumentException($"No tensor '{name}'.", nameof(name));

    /// <summary>A model saved without its head (GPT-2's published weights) has names without their first part: <c>wte.weight</c> for
    /// <c>transformer.wte.weight</c>. That part, or null where names are whole.</summary>
    private static string? Omitted(ModelConfig config, Dictionary<string, SafetensorsFile> fileOf)
    {
        var first = config.Tensors()[0].Name;
        var part = first[..(first.IndexOf('.', StringComparison.Ordinal) + 1)];
        return !fileOf.ContainsKey(first) && fileOf.ContainsKey(first[part.Length..]) ? part : null;
    }

    private static string Stored(string name, string? omitted) =>
        omitted is not null && name.StartsWith(omitted, StringComparison.Ordinal) ? name[omitted.Length..] : name;

    private static void Check(string directory, ModelConfig config, Dictionary<string, SafetensorsFile> fileOf,
        Dictionary<string, string>? weightMap, string? omitted, ModelReading reading)
    {
        var problems = new List<string>();
        var expected = config.Tensors().ToDictionary(tensor => Stored(tensor.Name, omitted), StringComparer.Ordinal);
        foreach (var (stored, tensor) in expected)
        {
            if (!fileOf.TryGetValue(stored, out var file) || file.Find(stored) is not { } entry)
            {
                problems.Add($"'{tensor.Name}' is missing");
            }
            else if (!entry.Shape.AsSpan().SequenceEqual(tensor.Shape))
            {
                problems.Add($"'{tensor.Name}' has shape [{string.Join(", ", entry.Shape)}] where config.json asks for " +
                    $"[{string.Join(", ", tensor.Shape)}]");
            }
            else if (TensorDtypes.FloatDtype(entry.Dtype) is null)
            {
                problems.Add($"'{tensor.Name}' has dtype {entry.Dtype}; weights must be F32, F16 or BF16");
            }
            else if (weightMap is not null && (!weightMap.TryGetValue(stored, out var said) || said != Path.GetFileName(file.Path)))
            {
                problems.Add($"'{tensor.Name}' is in {Path.GetFileName(file.Path)} but the index says otherwise");
            }
        }
        string[] extra = [.. fileOf.Keys.Where(name => !expected.ContainsKey(name) && !IsDerived(name)).Order(StringComparer.Ordinal)];
        if (Array.Find(extra, name => name.Contains("lora_", StringComparison.OrdinalIgnoreCase)) is { } adapter)
        {
            problems.Add($"'{adapter}' belongs to an adapter that is not merged into the weights: merge it first");
        }
        const int shown = 8;
        if (problems.Count == 0)
        {
            if (extra.Length > 0) reading.LeaveOut(Extra(directory, extra, shown), "They were left");
            return;
        }
        var rest = problems.Count > shown ? $"; and {problems.Count - shown} more" : "";
        throw new UserErrorException(
            $"The weights in '{directory}' do not fit its config.json: {string.Join("; ", problems.Take(shown))}{rest}. The folder is " +
                "incomplete or mixed up: export or fetch the model again.");
    }

    private static string Extra(string directory, string[] names, int shown)
    {
        var rest = names.Length > shown ? $" and {names.Length - shown} more" : "";
        return $"The weights in '{directory}' hold {(names.Length == 1 ? "a tensor" : $"{names.Length} tensors")} that config.json does "
            + $"not ask for: "
            + $"{string.Join(", ", names.Take(shown).Select(name => $"'{name}'"))}{rest}";
    }

    /// <summary>Written by some exporters although it follows from the rest: a tied head, GPT-2's causal mask.</summary>
    private static bool IsDerived(string name) => name == "lm_head.weight"
        || name.EndsWith(".attn.bias", StringComparison.Ordinal) || name.EndsWith(".attn.masked_bias", StringComparison.Ordinal);
}
