using Dolmen.Artifacts;

namespace Dolmen.Checkpoints.Gguf;

/// <summary>A model's configuration as the metadata of a GGUF file, and back.</summary>
internal static class GgufConfig
{
    private const string Known = "llama (also Mistral and Mixtral), qwen2, qwen3, mamba, jamba";

    /// <summary>What llama.cpp calls the architecture; null where it has none that says all of the configuration.</summary>
    public static string? Architecture(ModelConfig config) => config switch
    {
        TransformerConfig { Positions: not PositionKind.Rotary } => null,
        TransformerConfig { Window: { } window } windowed when window < windowed.ContextLength => null,
        TransformerConfig { RopeScaling: not (null or LinearScaling) } => null,
        TransformerConfig { Activation: not ActivationKind.Silu } => null,
        TransformerConfig { QkNorm: true, QkvBias: false, AttentionBias: false, MlpBias: false, Experts: null } => "qwen3",
        TransformerConfig { QkNorm: false, QkvBias: true, AttentionBias: false, MlpBias: false, Experts: null } => "qwen2",
        TransformerConfig { QkNorm: false, QkvBias: false } => "llama",
        MambaConfig { Bias: false, ConvBias: true } => "mamba",
        JambaConfig { Bias: false, ConvBias: true } => "jamba",
        _ => null,
    };

    /// <exception cref="UserErrorException">An architecture that is not known here, or metadata missing, wrong or contradicting the
    /// tensors.</exception>
    public static ModelConfig Read(GgufFile file)
    {
        var metadata = file.Metadata;
        var architecture = metadata.Text("general.architecture");
        ModelConfig config = architecture switch
        {
            "llama" or "qwen2" or "qwen3" => Transformer(file, architecture),
            "mamba" => Mamba(file),
            "jamba" => Jamba(file),
            _ => throw metadata.Refusal("general.architecture", $"is '{architecture}'", $"only {Known} can be read"),
        };
        var problems = config.Problems();
        return problems.Count == 0 ? config
            : throw new UserErrorException($"'{file.Path}' describes a model that cannot be built: {string.Join(" ", problems)}");
    }

    public static List<(string Key, GgufValue Value)> Write(ModelConfig config)
    {
        var name = Architecture(config) ?? throw new UserErrorException(
            $"This model cannot be written as GGUF: llama.cpp has no architecture with all it consists of. It runs {Known}, without " +
            "attention windows, other positions or scaled positions other than linear.");
        var values = new List<(string, GgufValue)> { ("general.architecture", GgufValue.Of(name)) };
        void Whole(string key, int value) => values.Add(($"{name}.{key}", GgufValue.Of((uint)value)));
        void Number(string key, double value) => values.Add(($"{name}.{key}", GgufValue.Of((float)value)));
        void State(int conv, int inner, int state, int rank)
        {
            Whole("ssm.conv_kernel", conv);
            Whole("ssm.inner_size", inner);
            Whole("ssm.state_size", state);
            Whole("ssm.time_step_rank", rank);
        }
        void Sizes(int layers, int width, int feedForward)
        {
            Whole("block_count", layers);
            Whole("context_length", config.ContextLength);
            Whole("embedding_length", width);
            Whole("feed_forward_length", feedForward);
            Whole("vocab_size", config.VocabSize);
        }
        switch (config)
        {
            case TransformerConfig c:
                Sizes(c.Layers, c.DModel, c.DFeedForward);
                Whole("attention.head_count", c.Heads);
                Whole("attention.head_count_kv", c.KvHeads);
                Whole("attention.key_length", c.HeadDim);
                Whole("attention.value_length", c.HeadDim);
                Whole("rope.dimension_count", c.HeadDim);
                Number("rope.freq_base", c.RopeTheta);
                Number("attention.layer_norm_rms_epsilon", c.NormEps);
                if (c.RopeScaling is LinearScaling linear)
                {
                    values.Add(($"{name}.rope.scaling.type", GgufValue.Of("linear")));
                    Number("rope.scaling.factor", linear.Factor);
                }
                if (c.Experts is { } mixture) Experts(mixture);
                break;
            case MambaConfig c:
                Sizes(c.Layers, c.DModel, 0);
                Whole("attention.head_count", 0);
                State(c.DConv, c.DInner, c.DState, c.DtRank);
                Number("attention.layer_norm_rms_epsilon", c.NormEps);
                break;
            case JambaConfig c:
                Sizes(c.Layers, c.DModel, c.DFeedForward);
                Whole("attention.head_count", c.Heads);
                values.Add(($"{name}.attention.head_count_kv",
                    GgufValue.Of([.. Enumerable.Range(0, c.Layers).Select(layer => c.IsAttention(layer) ? c.KvHeads : 0)])));
                State(c.DConv, c.DInner, c.DState, c.DtRank);
                Number("attention.layer_norm_rms_epsilon", c.NormEps);
                Experts(c.Experts);
                break;
        }
        return values;

        void Experts(MixtureConfig mixture)
        {
            Whole("expert_count", mixture.Count);
            Whole("expert_used_count", mixture.TopK);
        }
    }

    private static TransformerConfig Transformer(GgufFile file, string a)
    {
        var m = file.Metadata;
        var (width, heads) = (m.Whole($"{a}.embedding_length"), m.Whole($"{a}.attention.head_count"));
        if (heads < 1) throw m.Refusal($"{a}.attention.head_count", $"is {heads}", "it must be at least 1");
        var headDim = m.FindWhole($"{a}.attention.key_length") ?? width / heads;
        foreach (var key in (string[])[$"{a}.attention.value_length", $"{a}.rope.dimension_count"])
        {
            if (m.FindWhole(key) is { } other && other != headDim)
            {
                throw m.Refusal(key, $"is {other}", $"only the head's own width, {headDim}, is supported");
            }
        }
        if (file.Find("rope_freqs.weight") is not null)
        {
            throw new UserErrorException($"'{file.Path}': tensor 'rope_freqs.weight' scales positions by factors whose rule is not in the " +
                "file. Take the model's Hugging Face folder instead ('dolmen model pull').");
        }
        var experts = m.FindWhole($"{a}.expert_count") ?? 0;
        var (queries, output) = (file.Find("blk.0.attn_q.bias") is not null, file.Find("blk.0.attn_output.bias") is not null);
        return new TransformerConfig(
            Vocabulary(file), width, m.Whole($"{a}.block_count"), heads, m.FindWhole($"{a}.attention.head_count_kv") ?? heads, headDim,
            m.Whole($"{a}.feed_forward_length"), m.Whole($"{a}.context_length"), Shortest(m.FindNumber($"{a}.rope.freq_base") ?? 10000),
            Epsilon(m, a), Tied(file), Scaling(m, a), null, queries && !output, output, file.Find("blk.0.ffn_down.bias") is not null,
            file.Find("blk.0.attn_q_norm.weight") is not null,
            experts > 0 ? new MixtureConfig(experts, m.Whole($"{a}.expert_used_count")) : null);
    }

    private static MambaConfig Mamba(GgufFile file)
    {
        var m = file.Metadata;
        return new MambaConfig(
            Vocabulary(file), m.Whole("mamba.embedding_length"), m.Whole("mamba.block_count"), m.Whole("mamba.context_length"),
            m.Whole("mamba.ssm.inner_size"), m.Whole("mamba.ssm.time_step_rank"), m.Whole("mamba.ssm.state_size"),
            m.Whole("mamba.ssm.conv_kernel"), Epsilon(m, "mamba"), Tied(file));
    }

    private static JambaConfig Jamba(GgufFile file)
    {
        var m = file.Metadata;
        var layers = m.Whole("jamba.block_count");
        if (layers is < 1 or > 1024) throw m.Refusal("jamba.block_count", $"is {layers}", "it must be from 1 to 1024");
        var keyValueHeads = m.WholePerLayer("jamba.attention.head_count_kv", layers);
        var attention = Rhythm(m, "jamba.attention.head_count_kv", [.. keyValueHeads.Select(heads => heads > 0)]);
        if (keyValueHeads.Where(heads => heads > 0).Distinct().Count() > 1)
        {
            throw m.Refusal("jamba.attention.head_count_kv", "differs between attention layers", "only one number for all is supported");
        }
        var experts = Rhythm(m, "the layers with experts",
            [.. Enumerable.Range(0, layers).Select(layer => file.Find($"blk.{layer}.ffn_gate_inp.weight") is not null)]);
        return new JambaConfig(
            Vocabulary(file), m.Whole("jamba.embedding_length"), layers, m.Whole("jamba.attention.head_count"),
            Math.Max(1, keyValueHeads.Max()), m.Whole("jamba.feed_forward_length"), m.Whole("jamba.context_length"),
            m.Whole("jamba.ssm.inner_size"), m.Whole("jamba.ssm.time_step_rank"),
            new MixtureConfig(m.FindWhole("jamba.expert_count") ?? 1, m.FindWhole("jamba.expert_used_count") ?? 1, 0.001),
            attention.Period, attention.Offset, experts.Period, experts.Offset, m.Whole("jamba.ssm.state_size"),
            m.Whole("jamba.ssm.conv_kernel"), NormEps: Epsilon(m, "jamba"), TieEmbeddings: Tied(file));
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

    private static LinearScaling? Scaling(GgufMetadata metadata, string architecture)
    {
        var kind = metadata.FindText($"{architecture}.rope.scaling.type");
        if (kind is null or "none") return null;
        if (kind != "linear") throw metadata.Refusal($"{architecture}.rope.scaling.type", $"is '{kind}'", "only 'none' and 'linear' are read");
        return new LinearScaling(Shortest(metadata.Number($"{architecture}.rope.scaling.factor")));
    }

    private static double Epsilon(GgufMetadata metadata, string architecture) =>
        Shortest(metadata.Number($"{architecture}.attention.layer_norm_rms_epsilon"));

    private static int Vocabulary(GgufFile file) => file.Find("token_embd.weight") is { Shape: [<= int.MaxValue and var tokens, _] }
        ? (int)tokens : throw new UserErrorException($"'{file.Path}' has no tensor 'token_embd.weight' of tokens by width, which every model " +
            "has. Convert or fetch the model again.");

    private static bool Tied(GgufFile file) => file.Find("output.weight") is null;

    /// <summary>The double whose shortest decimal is the float's: 1e-5 and not 9.9999997e-06.</summary>
    private static double Shortest(float value) => double.Parse(value.ToString("R"));
}
