using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Checkpoints;

/// <summary>Ids other software needs to know where text begins and ends; written to config.json and generation_config.json.</summary>
/// <param name="End">Ends a turn of a conversation; generation stops there as well as at <paramref name="Eos"/>.</param>
public sealed record SpecialTokenIds(int Bos, int Eos, int Pad, int End);

/// <summary>config.json as Hugging Face writes it for <c>LlamaForCausalLM</c>, and back. The only place that knows its field
/// names.</summary>
internal static class HuggingFaceConfig
{
    private const long MaxBytes = 1 << 20;

    public static TransformerConfig Read(string path)
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
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new UserErrorException($"'{path}' is not a JSON object. Export or fetch the model again.");
            }
            return new Reader(path, document.RootElement).Config();
        }
        // The latter exception: text that is not UTF-8.
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new UserErrorException($"'{path}' is not valid JSON: {error.Message} Export or fetch the model again.", error);
        }
    }

    public static void Write(string path, TransformerConfig config, SpecialTokenIds special, TensorDtype dtype) =>
        AtomicFile.Write(path, stream =>
    {
        using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" });
        writer.WriteStartObject();
        writer.WriteStartArray("architectures");
        writer.WriteStringValue("LlamaForCausalLM");
        writer.WriteEndArray();
        writer.WriteBoolean("attention_bias", false);
        writer.WriteNumber("attention_dropout", 0.0);
        writer.WriteNumber("bos_token_id", special.Bos);
        writer.WriteNumber("eos_token_id", special.Eos);
        writer.WriteNumber("pad_token_id", special.Pad);
        writer.WriteNumber("head_dim", config.HeadDim);
        writer.WriteString("hidden_act", "silu");
        writer.WriteNumber("hidden_size", config.DModel);
        writer.WriteNumber("initializer_range", 0.02);
        writer.WriteNumber("intermediate_size", config.DFeedForward);
        writer.WriteNumber("max_position_embeddings", config.ContextLength);
        writer.WriteBoolean("mlp_bias", false);
        writer.WriteString("model_type", "llama");
        writer.WriteNumber("num_attention_heads", config.Heads);
        writer.WriteNumber("num_hidden_layers", config.Layers);
        writer.WriteNumber("num_key_value_heads", config.KvHeads);
        writer.WriteNumber("rms_norm_eps", config.NormEps);
        writer.WriteNull("rope_scaling");
        writer.WriteNumber("rope_theta", config.RopeTheta);
        writer.WriteBoolean("tie_word_embeddings", config.TieEmbeddings);
        writer.WriteString("torch_dtype", dtype.HuggingFaceName());
        writer.WriteBoolean("use_cache", true);
        writer.WriteNumber("vocab_size", config.VocabSize);
        writer.WriteEndObject();
    });

    public static void WriteGeneration(string path, SpecialTokenIds special) => AtomicFile.Write(path, stream =>
    {
        using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" });
        writer.WriteStartObject();
        writer.WriteNumber("bos_token_id", special.Bos);
        writer.WriteStartArray("eos_token_id");
        writer.WriteNumberValue(special.Eos);
        writer.WriteNumberValue(special.End);
        writer.WriteEndArray();
        writer.WriteNumber("pad_token_id", special.Pad);
        writer.WriteEndObject();
    });

    private sealed class Reader(string path, JsonElement root)
    {
        public TransformerConfig Config()
        {
            if (!root.TryGetProperty("model_type", out var type) || type.ValueKind != JsonValueKind.String)
            {
                throw Bad("model_type is missing", "it must be 'llama'");
            }
            if (!type.ValueEquals("llama"))
            {
                throw Bad($"model_type is '{type.GetString()}'", "only 'llama' can be run. Choose a model of that architecture");
            }
            RejectUnsupported();
            var heads = Whole("num_attention_heads");
            var dModel = Whole("hidden_size");
            if (heads < 1) throw Bad($"num_attention_heads is {heads}", "it must be at least 1");
            var config = new TransformerConfig(
                Whole("vocab_size"), dModel, Whole("num_hidden_layers"), heads, Whole("num_key_value_heads", heads),
                    Whole("head_dim", dModel / heads),
                Whole("intermediate_size"), Whole("max_position_embeddings", 2048), RopeTheta(), Number(root, "rms_norm_eps") ?? 1e-6,
                    Flag("tie_word_embeddings"));
            var problems = config.Problems();
            if (problems.Count > 0)
            {
                throw new UserErrorException($"'{path}' describes a model that cannot be built: {string.Join(" ", problems)}");
            }
            return config;
        }

        private void RejectUnsupported()
        {
            foreach (var name in (string[])["attention_bias", "mlp_bias"])
            {
                if (Flag(name)) throw Bad($"{name} is true", "projections with biases are not supported. Choose a model without them");
            }
            if (Present(root, "hidden_act", out var act) && !act.ValueEquals("silu"))
            {
                throw Bad($"hidden_act is {act.GetRawText()}", "only 'silu' is supported");
            }
            foreach (var name in (string[])["rope_scaling", "rope_parameters"])
            {
                if (!Present(root, name, out var scaling)) continue;
                if (scaling.ValueKind != JsonValueKind.Object)
                {
                    throw Bad($"{name} is {scaling.GetRawText()}", "it must be an object or null");
                }
                var kind = Text(scaling, "rope_type") ?? Text(scaling, "type") ?? (name == "rope_parameters" ? "default" : "unnamed");
                if (kind != "default")
                {
                    throw Bad($"{name} has the type '{kind}'", "scaled rotary positions are not supported, only 'default'. Choose a " +
                        "model without them");
                }
            }
        }

        private double RopeTheta() =>
            (Present(root, "rope_parameters", out var parameters) ? Number(parameters, "rope_theta") : null) ?? Number(root, "rope_theta")
                ?? 10000;

        private int Whole(string name, int? otherwise = null)
        {
            if (!Present(root, name, out var value)) return otherwise ?? throw Bad($"{name} is missing", "a Llama configuration needs it");
            if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out var number))
            {
                throw Bad($"{name} is {value.GetRawText()}", "it must be a whole number below 2^31");
            }
            return number;
        }

        private double? Number(JsonElement parent, string name)
        {
            if (!Present(parent, name, out var value)) return null;
            return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)
                ? number : throw Bad($"{name} is {value.GetRawText()}", "it must be a number");
        }

        private bool Flag(string name)
        {
            if (!Present(root, name, out var value)) return false;
            return value.ValueKind is JsonValueKind.True or JsonValueKind.False
                ? value.GetBoolean() : throw Bad($"{name} is {value.GetRawText()}", "it must be true or false");
        }

        private static string? Text(JsonElement parent, string name) =>
            parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

        private static bool Present(JsonElement parent, string name, out JsonElement value) =>
            parent.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;

        private UserErrorException Bad(string what, string rule) => new($"'{path}': {what}: {rule}.");
    }
}
