using Dolmen.Artifacts;

namespace Dolmen.Checkpoints.Gguf;

/// <summary>A model's configuration read from the metadata of a GGUF file; what is left out is what llama.cpp takes for the architecture.
/// </summary>
internal static class GgufConfig
{
    public const string Known = "llama (also Mistral and Mixtral), qwen2, qwen3, gpt2, mamba (also Falcon-Mamba), mamba2, jamba";

    /// <exception cref="UserErrorException">An architecture that is not known here, or metadata missing, wrong, not understood or
    /// contradicting the tensors.</exception>
    public static ModelConfig Read(GgufFile file)
    {
        var metadata = file.Metadata;
        var architecture = metadata.Text("general.architecture");
        Func<GgufFile, ModelConfig> read = architecture switch
        {
            "llama" or "qwen2" or "qwen3" => _ => Transformer(file, architecture),
            "gpt2" => Gpt2,
            "mamba" => Mamba,
            "mamba2" => Mamba2,
            "jamba" => Jamba,
            _ => throw metadata.Refusal("general.architecture", $"is '{architecture}'", $"only {Known} can be read"),
        };
        GgufKeys.Check(metadata, architecture);
        var config = read(file);
        var problems = config.Problems();
        if (problems.Count > 0)
            throw new UserErrorException($"'{file.Path}' describes a model that cannot be built: {string.Join(" ", problems)}");
        return HuggingFaceConfig.CanWrite(config)
            ? config
            : throw new UserErrorException(
                $"'{file.Path}' describes a model for which there is "
                    + "no Hugging Face configuration (attention windows, biases or norms in a combination that no model_type has): it "
                    + "cannot be imported."
            );
    }

    private static TransformerConfig Transformer(GgufFile file, string a)
    {
        var m = file.Metadata;
        var (width, heads) = (m.Int32($"{a}.embedding_length"), m.Uniform($"{a}.attention.head_count"));
        if (heads < 1) throw m.Refusal($"{a}.attention.head_count", $"is {heads}", "it must be at least 1");
        var headDim = HeadDim(m, a, width, heads);
        if (m.FindInt32($"{a}.rope.dimension_count") is { } turned && turned != headDim)
        {
            throw m.Refusal($"{a}.rope.dimension_count", $"is {turned}", $"only the head's own width, {headDim}, is supported");
        }
        var context = m.Int32($"{a}.context_length");
        var theta = GgufRotary.Shortest(m.FindNumber($"{a}.rope.freq_base") ?? 10000);
        // llama.cpp's converter has always left Mistral's window out; where one is given, it is the model's.
        var window = m.FindInt32($"{a}.attention.sliding_window") is { } given and > 0 && given < context ? given : (int?)null;
        if (window is not null && a != "llama")
        {
            throw m.Refusal(
                $"{a}.attention.sliding_window",
                $"is {window}",
                $"llama.cpp's {a} attends to the whole context. Take the model's " + "Hugging Face folder instead ('dolmen model pull')"
            );
        }
        var experts = m.FindInt32($"{a}.expert_count") ?? 0;
        var (queries, output) = (file.Find("blk.0.attn_q.bias") is not null, file.Find("blk.0.attn_output.bias") is not null);
        return new TransformerConfig(
            Vocabulary(file),
            width,
            m.Int32($"{a}.block_count"),
            heads,
            m.FindUniform($"{a}.attention.head_count_kv") ?? heads,
            headDim,
            m.Uniform($"{a}.feed_forward_length"),
            context,
            theta,
            Epsilon(m, a),
            Tied(file),
            GgufRotary.Read(file, a, theta, headDim, context),
            window,
            queries && !output,
            output,
            file.Find("blk.0.ffn_down.bias") is not null,
            file.Find("blk.0.attn_q_norm.weight") is not null,
            experts > 0 ? new MixtureConfig(experts, m.Uniform($"{a}.expert_used_count")) : null
        );
    }

    private static Gpt2Config Gpt2(GgufFile file)
    {
        var m = file.Metadata;
        var (width, heads) = (m.Int32("gpt2.embedding_length"), m.Uniform("gpt2.attention.head_count"));
        if (heads < 1) throw m.Refusal("gpt2.attention.head_count", $"is {heads}", "it must be at least 1");
        if (m.FindUniform("gpt2.attention.head_count_kv") is { } groups && groups != heads)
        {
            throw m.Refusal("gpt2.attention.head_count_kv", $"is {groups}", $"only as many as there are heads, {heads}, are supported");
        }
        if (HeadDim(m, "gpt2", width, heads) != width / heads)
        {
            throw m.Refusal(
                "gpt2.attention.key_length",
                m.Shown("gpt2.attention.key_length"),
                $"only {width / heads}, the width divided by the heads, is supported"
            );
        }
        return new Gpt2Config(
            Vocabulary(file),
            width,
            m.Int32("gpt2.block_count"),
            heads,
            m.Uniform("gpt2.feed_forward_length"),
            m.Int32("gpt2.context_length"),
            GgufRotary.Shortest(m.Number("gpt2.attention.layer_norm_epsilon")),
            Tied(file)
        );
    }

    private static MambaConfig Mamba(GgufFile file)
    {
        var m = file.Metadata;
        var epsilon = Epsilon(m, "mamba");
        // llama.cpp has one epsilon for all norms.
        return new MambaConfig(
            Vocabulary(file), m.Int32("mamba.embedding_length"), m.Int32("mamba.block_count"), m.Int32("mamba.context_length"),
            m.Int32("mamba.ssm.inner_size"), m.Int32("mamba.ssm.time_step_rank"), m.Int32("mamba.ssm.state_size"),
            m.Int32("mamba.ssm.conv_kernel"), epsilon, Tied(file),
            MixerNormEps: m.FindFlag("mamba.ssm.dt_b_c_rms") == true ? epsilon : null);
    }

    private static Mamba2Config Mamba2(GgufFile file)
    {
        var m = file.Metadata;
        var (inner, heads, groups) = (
            m.Int32("mamba2.ssm.inner_size"),
            m.Int32("mamba2.ssm.time_step_rank"),
            m.Int32("mamba2.ssm.group_count")
        );
        if (groups != 1)
        {
            throw m.Refusal(
                "mamba2.ssm.group_count",
                $"is {groups}",
                "llama.cpp norms each group alone where transformers norms all of them together: only 1 group, where both agree, can be run"
            );
        }
        if (heads < 1 || inner % heads != 0)
        {
            throw m.Refusal(
                "mamba2.ssm.time_step_rank",
                $"is {heads}",
                $"it is the number of heads, which must divide ssm.inner_size ({inner})"
            );
        }
        return new Mamba2Config(
            Vocabulary(file), m.Int32("mamba2.embedding_length"), m.Int32("mamba2.block_count"), m.Int32("mamba2.context_length"), heads,
            inner / heads, m.Int32("mamba2.ssm.state_size"), groups, m.Int32("mamba2.ssm.conv_kernel"), Epsilon(m, "mamba2"), Tied(file));
    }

    private static JambaConfig Jamba(GgufFile file)
    {
        var m = file.Metadata;
        var layers = m.Int32("jamba.block_count");
        if (layers is < 1 or > 1024) throw m.Refusal("jamba.block_count", $"is {layers}", "it must be from 1 to 1024");
        var keyValueHeads = m.Int32PerLayer("jamba.attention.head_count_kv", layers);
        var attention = Rhythm(m, "jamba.attention.head_count_kv", [.. keyValueHeads.Select(heads => heads > 0)]);
        if (keyValueHeads.Where(heads => heads > 0).Distinct().Count() > 1)
        {
            throw m.Refusal("jamba.attention.head_count_kv", "differs between attention layers", "only one number for all is supported");
        }
        var (width, heads) = (m.Int32("jamba.embedding_length"), m.Uniform("jamba.attention.head_count"));
        if (heads < 1) throw m.Refusal("jamba.attention.head_count", $"is {heads}", "it must be at least 1");
        if (HeadDim(m, "jamba", width, heads) != width / heads)
        {
            throw m.Refusal(
                "jamba.attention.key_length",
                m.Shown("jamba.attention.key_length"),
                $"only {width / heads}, the width divided by the heads, is supported"
            );
        }
        var experts = Rhythm(m, "the layers with experts",
            [.. Enumerable.Range(0, layers).Select(layer => file.Find($"blk.{layer}.ffn_gate_inp.weight") is not null)]);
        return new JambaConfig(
            Vocabulary(file), width, layers, heads,
            Math.Max(1, keyValueHeads.Max()), m.Uniform("jamba.feed_forward_length"), m.Int32("jamba.context_length"),
            m.Int32("jamba.ssm.inner_size"), m.Int32("jamba.ssm.time_step_rank"),
            new MixtureConfig(m.FindInt32("jamba.expert_count") ?? 1, m.FindUniform("jamba.expert_used_count") ?? 1, 0.001),
            attention.Period, attention.Offset, experts.Period, experts.Offset, m.Int32("jamba.ssm.state_size"),
            m.Int32("jamba.ssm.conv_kernel"), NormEps: Epsilon(m, "jamba"), TieEmbeddings: Tied(file));
    }

    /// <summary>Period and offset of the layers that have something; no longer period than needed.</summary>
    private static (int Period, int Offset) Rhythm(GgufMetadata metadata, string key, bool[] layers)
    {
        var offset = Array.IndexOf(layers, true);
        if (offset < 0) return (layers.Length + 1, layers.Length);
        var next = Array.IndexOf(layers, true, offset + 1);
        var period = next < 0 ? layers.Length : next - offset;
        for (var layer = 0; layer < layers.Length; layer++)
        {
            if (layers[layer] != (layer % period == offset))
            {
                throw metadata.Refusal(key, $"has no steady rhythm at layer {layer}", "only one layer in every so many is supported");
            }
        }
        return (period, offset);
    }

    /// <summary>Width of a head, which keys and values must share; either is the model's width divided by its heads where it is left
    /// out.</summary>
    private static int HeadDim(GgufMetadata metadata, string architecture, int width, int heads)
    {
        var keys = metadata.FindInt32($"{architecture}.attention.key_length") ?? width / heads;
        var values = metadata.FindInt32($"{architecture}.attention.value_length") ?? width / heads;
        return keys == values
            ? keys
            : throw new UserErrorException(
                $"'{metadata.File}': heads have {keys} keys ({architecture}.attention.key_length) and "
                    + $"{values} values ({architecture}.attention.value_length; left out, each is the width divided by the heads): only "
                    + $"equal numbers are supported."
            );
    }

    private static double Epsilon(GgufMetadata metadata, string architecture) =>
        GgufRotary.Shortest(metadata.Number($"{architecture}.attention.layer_norm_rms_epsilon"));

    private static int Vocabulary(GgufFile file) =>
        file.Find("token_embd.weight") is { Shape: [<= int.MaxValue and var tokens, _] }
            ? (int)tokens
            : throw new UserErrorException(
                $"'{file.Path}' has no tensor 'token_embd.weight' of tokens by width, which every model "
                    + "has. Convert or fetch the model again."
            );

    private static bool Tied(GgufFile file) => file.Find("output.weight") is null;
}
