using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dolmen.Checkpoints;

/// <summary>Architectures that upstream has no class for: config.json holds our own record under <c>dolmen</c>.</summary>
internal sealed class OwnLayout : ConfigLayout
{
    private const string Field = "dolmen", VocabSize = "vocab_size";

    private readonly Func<ModelConfig, bool> _fits;

    private OwnLayout(string modelType, Func<ModelConfig, bool> fits) => (ModelType, _fits) = (modelType, fits);

    /// <summary>The registration list; a model_type is permanent once released.</summary>
    public static IReadOnlyList<OwnLayout> All { get; } =
    [
        new("dolmen", config => config is DolmenConfig { Head: null }),
        new("s4", config => config is S4Config),
        new("h3", config => config is H3Config),
        new("hybrid", config => config is HybridConfig),
        new("seq2seq", config => config is Seq2SeqConfig),
        new("encoder-decoder", config => config is EncoderDecoderConfig),
        new("transformer", config => config is TransformerConfig),       // variants no published layout can say: ALiBi, no positions
        new("sequence-classifier", config => config is DecoderConfig { Head: ClassHead }),          // the mean over tokens
    ];

    /// <summary>Its only keys: everything else is in our own record, whose unknown fields are refused.</summary>
    public static ModelFamily Family(ConfigLayout layout) => new(
        layout.ModelType,
        layout.Architecture,
        [
            new ConfigKey(Field, KeyUse.Honoured, Note: "the model's sizes, written by Dolmen"),
            new ConfigKey(VocabSize, KeyUse.Honoured, Note: "as the model's sizes say"),
        ]
    );

    public override string ModelType { get; }

    public override string Architecture => "DolmenForCausalLM";

    public override bool CanWrite(ModelConfig config) => _fits(config);

    public override ModelConfig Read(ConfigFields fields)
    {
        if (!fields.Present(Field, out var value)) throw fields.Bad($"{Field} is missing", $"a '{ModelType}' model keeps its sizes there");
        ModelConfig? config;
        try
        {
            config = value.Deserialize(OwnLayoutJson.Default.ModelConfig);
        }
        catch (Exception error) when (error is JsonException or NotSupportedException)
        {
            throw fields.Bad($"{Field} cannot be read", error.Message.TrimEnd('.'));
        }
        if (config is null || !_fits(config)) throw fields.Bad($"{Field} is not a '{ModelType}' model", "model_type and sizes must agree");
        return fields.Int32OrNull(VocabSize) is not { } tokens || tokens == config.VocabSize
            ? config
            : throw fields.Bad($"{VocabSize} is {tokens}", $"the model's sizes in {Field} say {config.VocabSize}, and they must agree");
    }

    public override void Write(ModelConfig config, Utf8JsonWriter writer)
    {
        writer.WritePropertyName(Field);
        JsonSerializer.Serialize(writer, config, OwnLayoutJson.Default.ModelConfig);
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    IgnoreReadOnlyProperties = true,
    UseStringEnumConverter = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals
)]
[JsonSerializable(typeof(ModelConfig))]
internal sealed partial class OwnLayoutJson : JsonSerializerContext;
