using Dolmen.Artifacts;

namespace Dolmen.Checkpoints.Gguf;

/// <summary>Which of llama.cpp's architectures a configuration is, and its metadata.</summary>
internal static class GgufArchitecture
{
    /// <summary>What llama.cpp calls the architecture.</summary>
    /// <exception cref="UserErrorException">It has none that computes the same, or Dolmen does not write it.</exception>
    public static string Name(ModelConfig config)
    {
        var (name, problem) = config is DecoderConfig { Head: not null }
            ? (null, "it scores or classifies texts and has no logits of tokens")
            : Match(config);
        return problem is null && name is not null ? name : throw new UserErrorException(
            $"This model cannot be written as GGUF: {problem}. Dolmen writes {GgufConfig.Known}. Export it as a Hugging Face folder.");
    }

    public static List<(string Key, GgufValue Value)> Metadata(ModelConfig config)
    {
        var name = Name(config);
        var values = new List<(string, GgufValue)> { ("general.architecture", GgufValue.Of(name)) };
        void UInt32(string key, int value) => values.Add(($"{name}.{key}", GgufValue.Of((uint)value)));
        void Number(string key, double value) => values.Add(($"{name}.{key}", GgufValue.Of((float)value)));
        void State(int conv, int inner, int state, int rank)
        {
            UInt32("ssm.conv_kernel", conv);
            UInt32("ssm.inner_size", inner);
            UInt32("ssm.state_size", state);
            UInt32("ssm.time_step_rank", rank);
        }
        void Sizes(int layers, int width, int feedForward)
        {
            UInt32("block_count", layers);
            UInt32("context_length", config.ContextLength);
            UInt32("embedding_length", width);
            UInt32("feed_forward_length", feedForward);
            UInt32("vocab_size", config.VocabSize);
        }
        void Experts(MixtureConfig mixture)
        {
            UInt32("expert_count", mixture.Count);
            UInt32("expert_used_count", mixture.TopK);
        }
        switch (config)
        {
            case TransformerConfig c:
                Sizes(c.Layers, c.DModel, c.DFeedForward);
                UInt32("attention.head_count", c.Heads);
                UInt32("attention.head_count_kv", c.KvHeads);
                UInt32("attention.key_length", c.HeadDim);
                UInt32("attention.value_length", c.HeadDim);
                UInt32("rope.dimension_count", c.HeadDim);
                Number("rope.freq_base", c.RopeTheta);
                Number("attention.layer_norm_rms_epsilon", c.NormEps);
                values.AddRange(GgufRotary.Write(name, c.RopeScaling));
                if (c.Experts is { } mixture) Experts(mixture);
                break;
            case Gpt2Config c:
                Sizes(c.Layers, c.DModel, c.DFeedForward);
                UInt32("attention.head_count", c.Heads);
                Number("attention.layer_norm_epsilon", c.NormEps);
                break;
            case MambaConfig c:
                Sizes(c.Layers, c.DModel, 0);
                UInt32("attention.head_count", 0);
                State(c.DConv, c.DInner, c.DState, c.DtRank);
                values.Add(($"{name}.ssm.dt_b_c_rms", GgufValue.Of(c.MixerNormEps is not null)));
                Number("attention.layer_norm_rms_epsilon", c.NormEps);
                break;
            case Mamba2Config c:
                Sizes(c.Layers, c.DModel, 0);
                UInt32("attention.head_count", 0);
                State(c.DConv, c.Heads * c.HeadDim, c.DState, c.Heads);
                UInt32("ssm.group_count", c.Groups);
                Number("attention.layer_norm_rms_epsilon", c.NormEps);
                break;
            case JambaConfig c:
                Sizes(c.Layers, c.DModel, c.DFeedForward);
                UInt32("attention.head_count", c.Heads);
                values.Add(($"{name}.attention.head_count_kv",
                    GgufValue.Of([.. Enumerable.Range(0, c.Layers).Select(layer => c.IsAttention(layer) ? c.KvHeads : 0)])));
                State(c.DConv, c.DInner, c.DState, c.DtRank);
                Number("attention.layer_norm_rms_epsilon", c.NormEps);
                Experts(c.Experts);
                break;
        }
        return values;
    }

    private static (string? Name, string? Problem) Match(ModelConfig config) =>
        config switch
        {
            TransformerConfig c => MatchTransformer(c),
            Gpt2Config { Activation: not ActivationKind.GeluTanh } c => (
                null,
                $"llama.cpp's GPT-2 has the activation 'gelu_new', this model '{ActivationNames.Of(c.Activation)}'"
            ),
            Gpt2Config { ScaleScores: false } or Gpt2Config { ScaleByLayer: true } => (
                null,
                "llama.cpp's GPT-2 divides scores by the root of the head's width alone, this model does not"
            ),
            Gpt2Config => ("gpt2", null),
            MambaConfig c => ("mamba", StateSpaceProblem("Mamba", c.DInner, c.DModel, c.Bias, c.ConvBias)),
            Mamba2Config { Groups: > 1 } => (null, "llama.cpp norms each group of a Mamba-2 layer alone, this model all groups together"),
            Mamba2Config { MinDt: > 0 } or Mamba2Config { MaxDt: < double.PositiveInfinity } => (
                null,
                "llama.cpp does not limit the time step of Mamba-2 (minDt, maxDt)"
            ),
            Mamba2Config { Bias: true } or Mamba2Config { ConvBias: false } => (
                null,
                "llama.cpp's Mamba-2 has a bias on its convolution and on nothing else"
            ),
            Mamba2Config => ("mamba2", null),
            JambaConfig c => ("jamba", StateSpaceProblem("Jamba", c.DInner, c.DModel, c.Bias, c.ConvBias)),
            DolmenConfig => (
                null,
                "llama.cpp has no n-gram tables. Train the portable plan with --plan llama, or run this model with Dolmen"
            ),
            _ => (null, "llama.cpp has no architecture with all it consists of"),
        };

    private static string? StateSpaceProblem(string name, int inner, int width, bool bias, bool convBias) =>
        bias || !convBias ? $"llama.cpp's {name} has a bias on its convolution and not on its projections"
        : inner != 2L * width ? $"llama.cpp's {name} has an inner width of twice the width, this model {inner} for {width}" : null;

    private static (string? Name, string? Problem) MatchTransformer(TransformerConfig c)
    {
        if (c.Positions != PositionKind.Rotary)
            return (null, "llama.cpp has no architecture with all it consists of: its Llama has rotary positions");
        if (c.Window < c.ContextLength)
        {
            return (
                null,
                $"Dolmen does not write attention windows (this model sees {c.Window} tokens back): llama.cpp's 'llama' attends to the "
                    + "whole context"
            );
        }
        if (c.Activation != ActivationKind.Silu)
        {
            return (null, $"llama.cpp's feed-forward has the activation 'silu', this model '{ActivationNames.Of(c.Activation)}'");
        }
        var name = c switch
        {
            { QkNorm: true, QkvBias: false, AttentionBias: false, MlpBias: false, Experts: null } => "qwen3",
            { QkNorm: true } => null,
            { QkvBias: true, AttentionBias: false, MlpBias: false, Experts: null } when c.Heads * c.HeadDim == c.DModel => "qwen2",
            _ => "llama",
        };
        return name is null ? (null, "llama.cpp has no architecture with norms on queries and keys together with biases or experts")
            : (name, GgufRotary.Problem(name, c.RopeScaling));
    }
}
