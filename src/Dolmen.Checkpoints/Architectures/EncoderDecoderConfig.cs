// D model, H heads, F feed-forward, V vocab
namespace Dolmen.Checkpoints;

/// <summary>How an encoder–decoder Transformer's tokens know where they stand: sines and cosines added to the embedding (Vaswani et al.
/// 2017,
/// §3.5), or queries and keys of self-attention turned (Su et al. 2021).</summary>
public enum PairPositions { Sinusoidal, Rotary }

/// <summary>RMSNorm (Zhang and Sennrich 2019) or LayerNorm (Ba et al. 2016).</summary>
public enum NormKind { Rms, Layer }

/// <summary>An encoder–decoder Transformer (Vaswani et al. 2017) with norms before each part (Xiong et al. 2020), gated feed-forward
/// (Shazeer 2020), and no biases besides those of LayerNorm. Source, target and head share one table, multiplied by √D on the way
/// in.</summary>
/// <param name="ContextLength">Of the source and of the target, each.</param>
/// <param name="Dropout">Of embeddings and of what each part adds to the stream, while training.</param>
public sealed record EncoderDecoderConfig(
    int VocabSize, int DModel, int EncoderLayers, int DecoderLayers, int Heads, int DFeedForward, int ContextLength,
    PairPositions Positions = PairPositions.Rotary, NormKind Norm = NormKind.Rms, double NormEps = 1e-5, double RopeTheta = 10000,
    double Dropout = 0) : ModelConfig
{
    public int HeadDim => DModel / Heads;

    public override IReadOnlyList<TensorShape> Tensors()
    {
        long d = DModel, f = DFeedForward;
        List<TensorShape> tensors = [new("embed_tokens.weight", [VocabSize, d])];
        for (var i = 0; i < EncoderLayers; i++) AddLayer($"encoder.layers.{i}.", crosses: false);
        AddNorm("encoder.norm");
        for (var i = 0; i < DecoderLayers; i++) AddLayer($"decoder.layers.{i}.", crosses: true);
        AddNorm("decoder.norm");
        return tensors;

        void AddLayer(string layer, bool crosses)
        {
            AddNorm(layer + "self_attn_norm");
            tensors.Add(new(layer + "self_attn.qkv_proj.weight", [3 * d, d]));
            tensors.Add(new(layer + "self_attn.o_proj.weight", [d, d]));
            if (crosses)
            {
                AddNorm(layer + "cross_attn_norm");
                tensors.Add(new(layer + "cross_attn.q_proj.weight", [d, d]));
                tensors.Add(new(layer + "cross_attn.kv_proj.weight", [2 * d, d]));
                tensors.Add(new(layer + "cross_attn.o_proj.weight", [d, d]));
            }
            AddNorm(layer + "mlp_norm");
            tensors.Add(new(layer + "mlp.gate_up_proj.weight", [2 * f, d]));
            tensors.Add(new(layer + "mlp.down_proj.weight", [d, f]));
        }

        void AddNorm(string name)
        {
            tensors.Add(new(name + ".weight", [d]));
            if (Norm == NormKind.Layer) tensors.Add(new(name + ".bias", [d]));
        }
    }

    public override IReadOnlyList<string> Problems()
    {
        var rules = new ConfigRules().Sizes(VocabSize, DModel, DecoderLayers, ContextLength).Within("encoderLayers", EncoderLayers, 1024)
            .Within("dFeedForward", DFeedForward, 1 << 19).Within("heads", Heads, 1024);
        if (rules.Problems.Count > 0) return rules.Problems;
        return rules
            .Require(
                DModel % Heads == 0,
                $"model.heads is {Heads} but dModel is {DModel}: dModel must be a multiple of heads. "
                    + $"Try heads {Enumerable.Range(1, Heads).Last(h => DModel % h == 0)}."
            )
            .Require(
                DModel % Heads != 0 || HeadDim % 2 == 0,
                $"model.dModel is {DModel} and heads {Heads}: a head is {HeadDim} wide, and positions come in pairs. "
                    + $"Try dModel {2 * Heads * ((HeadDim + 1) / 2)}."
            )
            .Require(Dropout is >= 0 and < 1, $"model.dropout is {Dropout}: it must be at least 0 and below 1.")
            .Positive("normEps", NormEps, "1e-5 is usual.").Positive("ropeTheta", RopeTheta, "10000 is usual.").Problems;
    }

    /// <summary>2 per matrix parameter that a token meets; of a pair of tokens one meets the encoder and one the decoder and the head.
    /// Attention: all of the source for the encoder and across, half of the target for the decoder.</summary>
    public override double ForwardFlopsPerToken(int contextLength)
    {
        double d = DModel, feedForward = 3 * d * DFeedForward;
        var encoder = EncoderLayers * (2 * (4 * d * d + feedForward) + 4 * contextLength * d);
        var decoder = DecoderLayers * (2 * (8 * d * d + feedForward) + 6 * contextLength * d) + 2.0 * VocabSize * d;
        return (encoder + decoder) / 2;
    }

    /// <summary>Keys and values of the target so far and of as many source tokens, in every decoder layer.</summary>
    public override long StateBytes(int tokens, int bytesPerValue) => 4L * DecoderLayers * DModel * tokens * bytesPerValue;
}
