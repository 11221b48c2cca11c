// N rows (= B·T), D model, F feed-forward
using Dolmen.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>The part of a block that treats every position alone.</summary>
internal abstract class FeedForward
{
    /// <param name="residual">What the projection back into the residual stream starts as.</param>
    public abstract void Declare(WeightLayout layout, Initializer residual);

    /// <summary>(N, D) → (N, D).</summary>
    public abstract Tensor Forward(Tensor x, ParameterStore weights);

    /// <summary>The registration list: one line a kind.</summary>
    public static FeedForward Build(FeedForwardSpec spec, LayerMath math) => spec switch
    {
        SwiGluSpec gated => new SwiGlu(gated, math),
        GeluSpec gelu => new Gelu(gelu),
        MixtureSpec mixture => new MixtureOfExperts(mixture, math),
        _ => throw new NotSupportedException($"{spec.GetType().Name} cannot be trained."),
    };
}

internal sealed class SwiGlu(SwiGluSpec spec, LayerMath math) : FeedForward
{
    public override void Declare(WeightLayout layout, Initializer residual)
    {
        layout.Add(spec.GateUp, Initializers.Hidden);
        layout.Add(spec.Down, residual);
    }

    public override Tensor Forward(Tensor x, ParameterStore weights)
    {
        if (spec.Activation == ActivationKind.Silu && !spec.GateUp.HasBias && !spec.Down.HasBias)
            return math.SwiGluLayer(x, weights[spec.GateUp.Name], weights[spec.Down.Name]);             // (N, D)
        using var scope = NewDisposeScope();
        var gateUp = spec.GateUp.Apply(x, weights);                             // (N, 2F)
        var gated = spec.Activation == ActivationKind.Silu ? math.SwiGlu(gateUp) : Gated(gateUp);        // (N, F)
        return spec.Down.Apply(gated, weights).MoveToOuterDisposeScope();       // (N, D)
    }

    private Tensor Gated(Tensor gateUp)
    {
        var parts = gateUp.chunk(2, -1);                                        // 2 × (N, F)
        return Activations.Apply(spec.Activation, parts[0]) * parts[1];
    }
}

internal sealed class Gelu(GeluSpec spec) : FeedForward
{
    public override void Declare(WeightLayout layout, Initializer residual)
    {
        layout.Add(spec.Up, Initializers.Hidden);
        layout.Add(spec.Down, residual);
    }

    public override Tensor Forward(Tensor x, ParameterStore weights)
    {
        using var scope = NewDisposeScope();
        var wide = Activations.Apply(spec.Activation, spec.Up.Apply(x, weights));        // (N, F)
        return spec.Down.Apply(wide, weights).MoveToOuterDisposeScope();                              // (N, D)
    }
}
