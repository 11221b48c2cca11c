namespace Dolmen.Checkpoints;

/// <summary>A Llama-layout decoder: RMSNorm before each block, rotary positions, grouped-query attention, SwiGLU, no biases
/// (Touvron et al. 2023; Ainslie et al. 2023 for grouped queries).</summary>
public sealed record TransformerConfig(
    int VocabSize, int DModel, int Layers, int Heads, int KvHeads, int HeadDim, int DFeedForward, int ContextLength,
    double RopeTheta = 10000, double NormEps = 1e-5, bool TieEmbeddings = true) : ModelConfig
{
    /// <summary>One dial: width grows with depth, heads are 64 wide, the feed-forward is 8/3 of the width rounded up to 32
    /// (the ratio that keeps SwiGLU's three matrices as large as an ungated 4x pair; Shazeer 2020).</summary>
    public static TransformerConfig FromDepth(int depth, int vocabSize, int contextLength)
    {
        var dModel = Math.Max(64, depth * 32);                           // depth 4 → 128, depth 8 → 256, depth 16 → 512
        var headDim = Math.Min(64, dModel / 2);
        dModel = (dModel + headDim - 1) / headDim * headDim;
        var heads = dModel / headDim;
        return new TransformerConfig(vocabSize, dModel, depth, heads, heads, headDim, (dModel * 8 / 3 + 31) / 32 * 32, contextLength);
    }

    public override IReadOnlyList<TensorShape> Tensors()
    {
        long d = DModel, q = (long)Heads * HeadDim, kv = (long)KvHeads * HeadDim, f = DFeedForward;
        var tensors = new List<TensorShape> { new("model.embed_tokens.weight", [VocabSize, d]) };
        for (var i = 0; i < Layers; i++)
        {
            var layer = $"model.layers.{i}.";
            tensors.Add(new(layer + "input_layernorm.weight", [d]));
            tensors.Add(new(layer + "self_attn.q_proj.weight", [q, d]));
            tensors.Add(new(layer + "self_attn.k_proj.weight", [kv, d]));
            tensors.Add(new(layer + "self_attn.v_proj.weight", [kv, d]));
            tensors.Add(new(layer + "self_attn.o_proj.weight", [d, q]));
            tensors.Add(new(layer + "post_attention_layernorm.weight", [d]));
            tensors.Add(new(layer + "mlp.gate_proj.weight", [f, d]));
            tensors.Add(new(layer + "mlp.up_proj.weight", [f, d]));
            tensors.Add(new(layer + "mlp.down_proj.weight", [d, f]));
        }
        tensors.Add(new("model.norm.weight", [d]));
        if (!TieEmbeddings) tensors.Add(new("lm_head.weight", [VocabSize, d]));
        return tensors;
    }

    public override IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        void Within(string name, int value, int most)
        {
            if (value < 1 || value > most) problems.Add($"model.{name} is {value}: it must be between 1 and {most}.");
        }
        // The upper bounds lie above every published model; they keep sizes and products within what a machine can hold.
        Within("vocabSize", VocabSize, 1 << 22); Within("dModel", DModel, 1 << 17); Within("layers", Layers, 1024);
        Within("heads", Heads, 1024);
        Within("kvHeads", KvHeads, 1024); Within("headDim", HeadDim, 1024); Within("dFeedForward", DFeedForward, 1 << 19);
        Within("contextLength", ContextLength, 1 << 24);
        if (problems.Count > 0) return problems;
        if (DModel % Heads != 0)
        {
            problems.Add($"model.heads is {Heads} but dModel is {DModel}: dModel must be a multiple of heads. " +
                $"Try dModel {(DModel + Heads - 1) / Heads * Heads} or heads {Enumerable.Range(1, Heads).Last(h => DModel % h == 0)}.");
        }
        if (Heads % KvHeads != 0)
        {
            problems.Add($"model.kvHeads is {KvHeads} but heads is {Heads}: heads must be a multiple of kvHeads. Try kvHeads " +
                $"{Enumerable.Range(1, Math.Min(Heads, KvHeads)).Last(h => Heads % h == 0)}.");
        }
        if (HeadDim % 2 != 0)
        {
            problems.Add($"model.headDim is {HeadDim}: rotary positions turn pairs, so it must be even. Try {HeadDim + 1}.");
        }
        if (!(RopeTheta > 0)) problems.Add($"model.ropeTheta is {RopeTheta}: it must be above 0. Llama uses 10000.");
        if (!(NormEps > 0)) problems.Add($"model.normEps is {NormEps}: it must be above 0. Llama uses 1e-5.");
        return problems;
    }

    /// <summary>6 per matrix parameter that a token meets (the embedding lookup is free, the tied head is not), plus causal attention's
    /// two products at half the square: 6·L·T·(H·E) (Kaplan et al. 2020, appendix F in PaLM for the attention term).</summary>
    public override double TrainingFlopsPerToken(int contextLength)
    {
        double q = (double)Heads * HeadDim, kv = (double)KvHeads * HeadDim;
        var perLayer = (2 * q + 2 * kv) * DModel + 3.0 * DModel * DFeedForward;
        return 6 * (Layers * perLayer + (double)VocabSize * DModel) + 6.0 * Layers * contextLength * q;
    }

    public override long StateBytesPerToken(int bytesPerValue) => 2L * Layers * KvHeads * HeadDim * bytesPerValue;
}
