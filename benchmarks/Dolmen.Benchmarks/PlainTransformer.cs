// B batch, T sequence, D model, H heads, E head dim (= D / H), F feed-forward, V vocab
using Dolmen.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Benchmarks;

/// <summary>The rival: the same model as a TorchSharp user would write it, from TorchSharp's own modules.</summary>
internal sealed class PlainTransformer : Module<Tensor, Tensor>
{
    private readonly Embedding embed_tokens;
    private readonly ModuleList<PlainBlock> layers;
    private readonly PlainNorm norm;

    public PlainTransformer(TransformerConfig config) : base(nameof(PlainTransformer))
    {
        embed_tokens = Embedding(config.VocabSize, config.DModel);
        layers = new ModuleList<PlainBlock>([.. Enumerable.Range(0, config.Layers).Select(_ => new PlainBlock(config))]);
        norm = new PlainNorm(config.DModel, config.NormEps);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)                                // (B, T)
    {
        using var scope = NewDisposeScope();
        var x = embed_tokens.call(input);                                       // (B, T, D)
        foreach (var layer in layers) x = layer.call(x);                        // (B, T, D)
        return functional.linear(norm.call(x), embed_tokens.weight!).MoveToOuterDisposeScope();       // (B, T, V)
    }

    /// <summary>Takes the weights of a model of ours, by their exported names.</summary>
    public void Load(IEnumerable<(string Name, long[] Shape, float[] Values)> weights)
    {
        using var noGradient = no_grad();
        var own = named_parameters().ToDictionary(parameter => parameter.name, parameter => parameter.parameter, StringComparer.Ordinal);
        foreach (var (name, shape, values) in weights)
        {
            var key = name["model.".Length..].Replace("self_attn.", "").Replace("mlp.", "");
            using var source = tensor(values, shape);
            own[key].copy_(source);
        }
    }
}

internal sealed class PlainBlock : Module<Tensor, Tensor>
{
    private readonly PlainNorm input_layernorm, post_attention_layernorm;
    private readonly Linear q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj;
    private readonly Tensor _cos, _sin;
    private readonly int _heads;

    public PlainBlock(TransformerConfig config) : base(nameof(PlainBlock))
    {
        _heads = config.Heads;
        var (d, e) = (config.DModel, config.HeadDim);
        input_layernorm = new PlainNorm(d, config.NormEps);
        post_attention_layernorm = new PlainNorm(d, config.NormEps);
        Linear Projection(long inputs, long outputs) => nn.Linear(inputs, outputs, hasBias: false);
        (q_proj, k_proj, v_proj, o_proj) = (Projection(d, d), Projection(d, d), Projection(d, d), Projection(d, d));
        (gate_proj, up_proj, down_proj) = (
            Projection(d, config.DFeedForward),
            Projection(d, config.DFeedForward),
            Projection(config.DFeedForward, d)
        );
        using var scope = NewDisposeScope();
        var frequencies = pow(config.RopeTheta, -arange(0, e, 2, dtype: ScalarType.Float32) / e);      // (E/2)
        var angles = outer(arange(config.ContextLength, dtype: ScalarType.Float32), frequencies);      // (T, E/2)
        var doubled = cat([angles, angles], -1);                                                        // (T, E)
        (_cos, _sin) = (doubled.cos().DetachFromDisposeScope(), doubled.sin().DetachFromDisposeScope());
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)                                // (B, T, D)
    {
        using var scope = NewDisposeScope();
        var (b, t, d) = (input.shape[0], input.shape[1], input.shape[2]);
        var h = input_layernorm.call(input);                                    // (B, T, D)
        Tensor Heads(Linear projection) => projection.call(h).view(b, t, _heads, d / _heads).transpose(1, 2);       // (B, H, T, E)
        var y = functional.scaled_dot_product_attention(Rotate(Heads(q_proj)), Rotate(Heads(k_proj)), Heads(v_proj), is_casual: true);
        var x = input + o_proj.call(y.transpose(1, 2).reshape(b, t, d));        // (B, T, D)
        h = post_attention_layernorm.call(x);                                   // (B, T, D)
        return (x + down_proj.call(functional.silu(gate_proj.call(h)) * up_proj.call(h))).MoveToOuterDisposeScope();
    }

    private Tensor Rotate(Tensor x)                                             // (B, H, T, E)
    {
        var t = x.shape[2];
        var halves = x.chunk(2, -1);                                            // 2 × (B, H, T, E/2)
        return x * _cos[..(int)t] + cat([-halves[1], halves[0]], -1) * _sin[..(int)t];
    }
}

internal sealed class PlainNorm : Module<Tensor, Tensor>
{
    private readonly Parameter weight;
    private readonly double _epsilon;

    public PlainNorm(long d, double epsilon) : base(nameof(PlainNorm))
    {
        weight = new Parameter(ones(d));
        _epsilon = epsilon;
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)                                // (…, D)
    {
        using var scope = NewDisposeScope();
        return (input * input.pow(2).mean([-1], keepdim: true).add(_epsilon).rsqrt() * weight).MoveToOuterDisposeScope();
    }
}
