// Mamba-2's block (Dao and Gu 2024): one decay a head, everything from one projection, a gated norm before the output.
// B batch, T sequence, D model, H heads, P head dim, I inner (= H·P), G groups, N state
using Dolmen.Checkpoints;
using Dolmen.Modeling.Layers;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Modeling.Mixers;

internal sealed class Mamba2Mixer(Mamba2Spec spec, LayerMath math) : SequenceMixer
{
    private const double MinStep = 1e-3, MaxStep = 0.1, StepFloor = 1e-4;

    public override void Declare(WeightLayout layout, Initializer residual)
    {
        layout.Add(spec.DtBias, [spec.Heads], ParameterGroup.Vector, Initializers.InverseSoftplus(MinStep, MaxStep, StepFloor));
        layout.Add(spec.ALog, [spec.Heads], ParameterGroup.Vector, Initializers.LogOfIndex(spec.Heads));
        layout.Add(spec.Skip, [spec.Heads], ParameterGroup.Vector, Initializers.Constant(1));
        layout.Add(spec.Convolution);
        layout.Add(spec.In, Initializers.LikeTorch(spec.In));
        layout.Add(spec.Norm);
        layout.Add(spec.Output, residual);
    }

    public override Tensor Forward(Tensor x, ParameterStore weights, Segments? segments)
    {
        using var scope = NewDisposeScope();
        var (batch, t, h, p, g, n) = (x.shape[0], x.shape[1], spec.Heads, spec.HeadDim, spec.Groups, spec.DState);
        var inner = spec.DInner;
        var parts = spec.In.Apply(x, weights).split([inner, spec.Convolution.Channels, h], -1);             // (B, T, I | I+2GN | H)
        var bias = spec.Convolution.Bias is { } name ? weights[name] : null;
        var mixed = math.CausalConv1d(parts[1], weights[spec.Convolution.Weight], bias, silu: true, segments)
            .split([inner, g * n, g * n], -1);                                                              // (B, T, I | GN | GN)
        var delta = functional.softplus(parts[2].to(ScalarType.Float32) + weights[spec.DtBias]);            // (B, T, H) fp32
        if (spec.MinDt > 0 || !double.IsPositiveInfinity(spec.MaxDt)) delta = delta.clamp(spec.MinDt, spec.MaxDt);
        var y = math.StateSpaceDual(
            mixed[0].reshape(batch, t, h, p), delta, weights[spec.ALog], mixed[1].reshape(batch, t, g, n), mixed[2].reshape(batch, t, g, n),
            weights[spec.Skip], segments).reshape(batch, t, inner);                                          // (B, T, I)
        var gated = math.GatedRmsNorm(y, parts[0], weights[spec.Norm.Weight], spec.Norm.Epsilon);           // (B, T, I)
        return spec.Output.Apply(gated, weights).MoveToOuterDisposeScope();                                 // (B, T, D)
    }
}
