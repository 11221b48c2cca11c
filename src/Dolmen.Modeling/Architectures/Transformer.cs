// A Llama-layout decoder: Touvron et al. 2023 (layout), Vaswani et al. 2017 (attention), Su et al. 2021 (rotary positions), Ainslie et al.
// 2023 (grouped queries), Shazeer 2020 (SwiGLU), Zhang and Sennrich 2019 (RMSNorm).
// B batch, T sequence, N rows (= B·T), D model, H heads, K kv-heads, E head dim, F feed-forward, V vocab
using Dolmen.Checkpoints;
using Dolmen.Modeling.Layers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Modeling.Architectures;

public sealed class Transformer : TrainableModel
{
    private const string Embedding = "embed_tokens";
    private const string FinalNorm = "norm";
    private const string Head = "lm_head";

    private readonly TransformerConfig _config;
    private readonly LayerMath _math;
    private readonly RotaryTable _rotary;

    public Transformer(TransformerConfig config, bool bfloat16, LayerMath math)
    {
        (_config, _math) = (config, math);
        _rotary = new RotaryTable(config.ContextLength, config.HeadDim, config.RopeTheta);
        Parameters = new ParameterStore([.. Specs(config)], bfloat16);
    }

    public override ModelConfig Config => _config;

    public override ParameterStore Parameters { get; }

    public override Tensor Logits(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var x = Hidden(tokens);                                                 // (N, D)
        var logits = functional.linear(x, HeadWeight);                          // (N, V)
        return logits.to(ScalarType.Float32).view(tokens.shape[0], tokens.shape[1], _config.VocabSize).MoveToOuterDisposeScope();
    }

    public override Tensor Loss(Tensor tokens, Tensor targets, double scale)
    {
        using var scope = NewDisposeScope();
        return _math.CrossEntropy(Hidden(tokens), HeadWeight, targets.view(-1), scale).MoveToOuterDisposeScope();
    }

    public override Tensor LogProbs(Tensor tokens, Tensor targets)
    {
        using var scope = NewDisposeScope();
        return _math.LogProbs(Hidden(tokens), HeadWeight, targets.view(-1)).view(tokens.shape).MoveToOuterDisposeScope();
    }

    public override IEnumerable<(string Name, long[] Shape, float[] Values)> Export()
    {
        foreach (var tensor in _config.Tensors())
        {
            var (name, start) = Locate(tensor.Name);
            yield return (tensor.Name, tensor.Shape, Parameters.Weights(name).Slice(start, checked((int)tensor.Elements)).ToArray());
        }
    }

    public override void Import(Action<string, float[]> read)
    {
        foreach (var tensor in _config.Tensors())
        {
            var values = new float[tensor.Elements];
            read(tensor.Name, values);
            var (name, start) = Locate(tensor.Name);
            values.CopyTo(Parameters.Weights(name)[start..]);
        }
        Parameters.RefreshCopy();
    }

    public override void Dispose()
    {
        Parameters.Dispose();
        _rotary.Dispose();
    }

    private Tensor HeadWeight => Parameters[_config.TieEmbeddings ? Embedding : Head];

    private Tensor Hidden(Tensor tokens)                                        // (B, T) int64
    {
        using var scope = NewDisposeScope();
        var (b, t) = (tokens.shape[0], tokens.shape[1]);
        if (t > _config.ContextLength) throw new ArgumentException($"{t} positions, but the model's context is {_config.ContextLength}.", nameof(tokens));
        var x = Parameters[Embedding].index_select(0, tokens.view(-1));         // (N, D)
        for (var i = 0; i < _config.Layers; i++)
        {
            var attended = _math.RmsNorm(x, Parameters[$"{i}.input_norm"], _config.NormEps);                      // (N, D)
            var qkv = functional.linear(attended, Parameters[$"{i}.qkv"]).view(b, t, -1);                         // (B, T, (H+2K)·E)
            var heads = _math.CausalAttention(qkv, _config.Heads, _config.KvHeads, _rotary).view(b * t, -1);      // (N, H·E)
            x = x + functional.linear(heads, Parameters[$"{i}.o"]);                                               // (N, D)
            var fed = _math.RmsNorm(x, Parameters[$"{i}.post_attention_norm"], _config.NormEps);                  // (N, D)
            var gated = _math.SwiGlu(functional.linear(fed, Parameters[$"{i}.gate_up"]));                         // (N, F)
            x = x + functional.linear(gated, Parameters[$"{i}.down"]);                                            // (N, D)
        }
        return _math.RmsNorm(x, Parameters[FinalNorm], _config.NormEps).MoveToOuterDisposeScope();                // (N, D)
    }

    /// <summary>Query, key and value projections are one matrix here, gate and up another: fewer and larger products. Projections back
    /// into the residual stream start smaller by √(2·layers) (GPT-2).</summary>
    private static IEnumerable<ParameterSpec> Specs(TransformerConfig config)
    {
        const double Std = 0.02;
        var residualStd = Std / Math.Sqrt(2 * config.Layers);
        long d = config.DModel, q = (long)config.Heads * config.HeadDim, kv = (long)config.KvHeads * config.HeadDim, f = config.DFeedForward;
        yield return new(Embedding, [config.VocabSize, d], Decay: true, Std);
        for (var i = 0; i < config.Layers; i++)
        {
            yield return new($"{i}.input_norm", [d], Decay: false, 0);
            yield return new($"{i}.qkv", [q + 2 * kv, d], Decay: true, Std);
            yield return new($"{i}.o", [d, q], Decay: true, residualStd);
            yield return new($"{i}.post_attention_norm", [d], Decay: false, 0);
            yield return new($"{i}.gate_up", [2 * f, d], Decay: true, Std);
            yield return new($"{i}.down", [d, f], Decay: true, residualStd);
        }
        yield return new(FinalNorm, [d], Decay: false, 0);
        if (!config.TieEmbeddings) yield return new(Head, [config.VocabSize, d], Decay: true, Std);
    }

    /// <summary>Where an exported tensor lies: our parameter and the element it starts at.</summary>
    private (string Name, int Start) Locate(string exported)
    {
        var (d, q, kv) = (_config.DModel, _config.Heads * _config.HeadDim, _config.KvHeads * _config.HeadDim);
        var parts = exported.Split('.');
        return parts switch
        {
            ["model", "embed_tokens", _] => (Embedding, 0),
            ["model", "norm", _] => (FinalNorm, 0),
            ["lm_head", _] => (Head, 0),
            ["model", "layers", var i, "input_layernorm", _] => ($"{i}.input_norm", 0),
            ["model", "layers", var i, "post_attention_layernorm", _] => ($"{i}.post_attention_norm", 0),
            ["model", "layers", var i, _, "q_proj", _] => ($"{i}.qkv", 0),
            ["model", "layers", var i, _, "k_proj", _] => ($"{i}.qkv", q * d),
            ["model", "layers", var i, _, "v_proj", _] => ($"{i}.qkv", (q + kv) * d),
            ["model", "layers", var i, _, "o_proj", _] => ($"{i}.o", 0),
            ["model", "layers", var i, _, "gate_proj", _] => ($"{i}.gate_up", 0),
            ["model", "layers", var i, _, "up_proj", _] => ($"{i}.gate_up", _config.DFeedForward * d),
            ["model", "layers", var i, _, "down_proj", _] => ($"{i}.down", 0),
            _ => throw new ArgumentException($"No tensor '{exported}' in a Llama layout.", nameof(exported)),
        };
    }
}
