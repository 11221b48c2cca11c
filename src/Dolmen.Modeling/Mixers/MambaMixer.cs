// Mamba's block (Gu and Dao 2023, algorithm 2), with Jamba's or Falcon-Mamba's norms on Δ, B and C where the spec
// has them.
// B batch, T sequence, D model, I inner, N state, K convolution width, R rank of Δ
// paper → code: x, z → the two halves of `xz`; Δ → `delta` before its softplus; A → −exp(A_log); D → `Skip`; S6 → SelectiveScan
using Dolmen.Checkpoints;
using Dolmen.Modeling.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Mixers;

internal sealed class MambaMixer(MambaSpec spec, LayerMath math) : SequenceMixer
{
    private const double MinStep = 1e-3, MaxStep = 0.1, StepFloor = 1e-4;

    public override void Declare(WeightLayout layout, Initializer residual)
    {
        layout.Add(spec.ALog, [spec.DInner, spec.DState], ParameterGroup.Vector, Initializers.LogOfIndex(spec.DState));
        layout.Add(spec.Skip, [spec.DInner], ParameterGroup.Vector, Initializers.Constant(1));
        layout.Add(spec.Convolution);
        layout.Add(spec.In, Initializers.LikeTorch(spec.In));
        layout.Add(spec.X, Initializers.LikeTorch(spec.X));
        layout.Add(spec.Dt, Initializers.Uniform(1 / Math.Sqrt(spec.DtRank)), Initializers.InverseSoftplus(MinStep, MaxStep, StepFloor));
        layout.Add(spec.Output, residual);
        foreach (var norm in new[] { spec.DtNorm, spec.BNorm, spec.CNorm }) if (norm is not null) layout.Add(norm);
    }

    public override Tensor Forward(Tensor x, ParameterStore weights, Segments? segments)
    {
        using var scope = NewDisposeScope();
        var xz = spec.In.Apply(x, weights).chunk(2, -1);                                                    // 2 × (B, T, I)
        var bias = spec.Convolution.Bias is { } name ? weights[name] : null;
        var u = math.CausalConv1d(xz[0], weights[spec.Convolution.Weight], bias, silu: true, segments);     // (B, T, I)
        var parts = spec.X.Apply(u, weights).split([spec.DtRank, spec.DState, spec.DState], -1);            // (B, T, R|N|N)
        var delta = spec.Dt.Apply(Norm(parts[0], spec.DtNorm, weights), weights);                           // (B, T, I)
        var (b, c) = (Norm(parts[1], spec.BNorm, weights), Norm(parts[2], spec.CNorm, weights));            // 2 × (B, T, N)
        var y = math.SelectiveScan(u, delta, weights[spec.ALog], b, c, weights[spec.Skip], xz[1], segments);     // (B, T, I)
        return spec.Output.Apply(y, weights).MoveToOuterDisposeScope();                                     // (B, T, D)
    }

    private Tensor Norm(Tensor x, NormSpec? norm, ParameterStore weights)
    {
        if (norm is not null) return math.RmsNorm(x, weights[norm.Weight], norm.Epsilon);
        if (spec.PlainNormEps is not { } epsilon) return x;
        var wide = x.to(ScalarType.Float32);
        return (wide * wide.pow(2).mean([-1], keepdim: true).add(epsilon).rsqrt()).to(x.dtype);             // the shape of x
    }
}
