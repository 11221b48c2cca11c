using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Checkpoints;

/// <summary>Ids other software needs to know where text begins and ends; written to config.json and generation_config.json.</summary>
/// <param name="End">Ends a turn of a conversation; generation stops there as well as at <paramref name="Eos"/>.</param>
public sealed record SpecialTokenIds(int? Bos, int? Eos, int? Pad, int? End)
{
    /// <summary>What config.json says as <c>eos_token_id</c> where that is a list; null where it is <see cref="Eos"/> alone.</summary>
    public IReadOnlyList<int>? ConfigEnds { get; init; }

    /// <summary>The bytes of the generation_config.json that the model came with; null where it had none.</summary>
    public ReadOnlyMemory<byte>? Generation { get; init; }

    /// <summary>A GGUF file's end of a turn and end of a message.</summary>
    public int? EndOfTurn { get; init; }

    /// <inheritdoc cref="EndOfTurn"/>
    public int? EndOfMessage { get; init; }

    /// <summary>Further ids at which a text ends.</summary>
    public IReadOnlyList<int> MoreEnds { get; init; } = [];

    /// <summary>Ids that are never drawn.</summary>
    public IReadOnlyList<int> Suppressed { get; init; } = [];

    /// <summary>All ids at which a text ends; some may come twice.</summary>
    public IEnumerable<int> AllEnds => [.. ConfigEnds ?? [], .. new[] { Eos, End, EndOfTurn, EndOfMessage }.OfType<int>(), .. MoreEnds];
}

/// <summary>config.json as Hugging Face writes it, and back, one <see cref="ConfigLayout"/> for each model_type.</summary>
internal static class HuggingFaceConfig
{
    private const long MaxBytes = 1 << 20;

    /// <summary>The registration list. Writing takes the first that can say all of a configuration.</summary>
    private static readonly ConfigLayout[] Layouts =
    [
        new LlamaLayout(),
        new MistralLayout(),
        new Qwen2Layout(),
        new Qwen3Layout(),
        new MixtralLayout(),
        new Gpt2Layout(),
        new MambaLayout(),
        new FalconMambaLayout(),
        new Mamba2Layout(),
        new JambaLayout(),
        .. OwnLayout.All,
    ];

    public static ModelConfig Read(string path, ModelReading? reading = null)
    {
        using var document = Open(path);
        var head = new ConfigFields(path, document.RootElement);
        var type = head.Text("model_type") ?? throw head.Bad("model_type is missing", $"it must be one of {Known}");
        var layout = Array.Find(Layouts, candidate => candidate.ModelType == type)
            ?? throw head.Bad($"model_type is '{type}'", $"only {Known} can be run. Choose a model of one of those architectures");
        var family = ModelFamilies.Find(type) ?? OwnLayout.Family(layout);
        var fields = new ConfigFields(path, document.RootElement, family);
        ConfigCheck.Run(fields, family, reading ?? ModelReading.Current);
        var config = HeadFields.Read(fields, layout.Read(fields));
        var problems = config.Problems();
        if (problems.Count > 0)
            throw new UserErrorException($"'{path}' describes a model that cannot be built: {string.Join(" ", problems)}");
        return config;
    }

    /// <summary>The ids config.json names, where it does.</summary>
    public static SpecialTokenIds ReadSpecial(string path)
    {
        using var document = Open(path);
        var fields = new ConfigFields(path, document.RootElement);
        var isList = fields.Present("eos_token_id", out var ends) && ends.ValueKind == JsonValueKind.Array;
        var generation = Path.Combine(Path.GetDirectoryName(path) ?? "", GenerationSettings.FileName);
        return new SpecialTokenIds(fields.FirstId("bos_token_id"), fields.FirstId("eos_token_id"), fields.FirstId("pad_token_id"), null)
        {
            ConfigEnds = isList ? fields.Ids("eos_token_id") : null,
            Generation = File.Exists(generation) && new FileInfo(generation).Length <= GenerationSettings.MaxBytes
                ? JsonInput.WithoutByteOrderMark(RegularFile.ReadAllBytes(generation)) : default(ReadOnlyMemory<byte>?),
        };
    }

    /// <summary>The model_type under which a configuration is written.</summary>
    public static string ModelType(ModelConfig config) => LayoutOf(config).ModelType;

    public static void Write(string path, ModelConfig config, SpecialTokenIds special, TensorDtype dtype) =>
        AtomicFile.Write(
            path,
            stream =>
            {
                var layout = LayoutOf(config);
                using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" });
                writer.WriteStartObject();
                writer.WriteStartArray("architectures");
                writer.WriteStringValue(HeadFields.Architecture(layout, config));
                writer.WriteEndArray();
                WriteId(writer, "bos_token_id", special.Bos);
                if (special.ConfigEnds is { Count: > 0 } ends)
                {
                    writer.WriteStartArray("eos_token_id");
                    foreach (var id in ends)
                        writer.WriteNumberValue(id);
                    writer.WriteEndArray();
                }
                else
                    WriteId(writer, "eos_token_id", special.Eos);
                WriteId(writer, "pad_token_id", special.Pad);
                writer.WriteString("model_type", layout.ModelType);
                writer.WriteString("torch_dtype", dtype.HuggingFaceName());
                writer.WriteBoolean("use_cache", true);
                writer.WriteNumber("vocab_size", config.VocabSize);
                layout.Write(config, writer);
                if (layout is not OwnLayout) HeadFields.Write(config, writer);       // our own record holds the head
                writer.WriteEndObject();
            }
        );

    /// <summary>Whether some model_type says all that the configuration says.</summary>
    public static bool CanWrite(ModelConfig config) => Array.Exists(Layouts, layout => Says(layout, config));

    private static string Known => string.Join(", ", Layouts.Select(layout => $"'{layout.ModelType}'"));

    private static ConfigLayout LayoutOf(ModelConfig config) => Array.Find(Layouts, layout => Says(layout, config))
        ?? throw new NotSupportedException($"{config.GetType().Name} has no layout.");

    private static bool Says(ConfigLayout layout, ModelConfig config) =>
        layout.CanWrite(config) && (layout is OwnLayout || HeadFields.IsPublished(config));

    private static void WriteId(Utf8JsonWriter writer, string name, int? id)
    {
        if (id is { } value) writer.WriteNumber(name, value);
        else writer.WriteNull(name);
    }

    internal static JsonDocument Open(string path)
    {
        if (!File.Exists(path))
        {
            throw new UserErrorException($"'{path}' does not exist: --model takes a Hugging Face model folder or a finished run. Check " +
                "the path.");
        }
        if (new FileInfo(path).Length > MaxBytes)
        {
            throw new UserErrorException($"'{path}' is larger than {MaxBytes} bytes, which no model configuration is. Check the path.");
        }
        var document = JsonInput.Parse(PythonJson.Quoted(RegularFile.ReadAllBytes(path)), path);
        if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
        document.Dispose();
        throw new UserErrorException($"'{path}' is not a JSON object. Export or fetch the model again.");
    }
}
