// H3 (Fu et al. 2023, algorithm 1).
// B batch, T sequence, D model, H heads, S shift state
using Dolmen.Checkpoints;
using Dolmen.Modeling.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Mixers;

internal sealed class H3Mixer(H3Spec spec, LayerMath math) : SequenceMixer
{
    public override void Declare(WeightLayout layout, Initializer residual)
    {
        layout.Add(spec.Qkv, Initializers.LikeTorch(spec.Qkv), Initializers.LikeTorch(spec.Qkv));
        // The shift starts as a causal convolution would: B keeps the newest input, C is torch's start of a kernel.
        layout.Add(
            spec.ShiftInput,
            [spec.DModel, spec.ShiftState],
            ParameterGroup.StateSpace,
            (weights, ref _) =>
            {
                for (var i = 0; i < weights.Length; i++)
                    weights[i] = i % spec.ShiftState == 0 ? 1 : 0;
            }
        );
        layout.Add(
            spec.ShiftOutput,
            [spec.DModel, spec.ShiftState],
            ParameterGroup.Vector,
            Initializers.Uniform(1 / Math.Sqrt(spec.ShiftState))
        );
        layout.Add(spec.ShiftSkip, [spec.DModel], ParameterGroup.Vector, Initializers.Normal(1));
        spec.Memory.Declare(layout);
        layout.Add(spec.Output, residual);
    }

    public override Tensor Forward(Tensor x, ParameterStore weights, Segments? segments)
    {
        using var scope = NewDisposeScope();
        var t = x.shape[1];
        var qkv = spec.Qkv.Apply(x, weights);                                   // (B, T, 3·D)
        var shift = StateSpaceKernels.Shift(weights[spec.ShiftInput], weights[spec.ShiftOutput], t);            // (1, D, min(S, T))
        var kernel = spec.Memory.Kernel(math, weights, t);                      // (1, H, T)
        var (shiftSkip, skip) = (weights[spec.ShiftSkip].unsqueeze(0), weights[spec.Memory.Skip].unsqueeze(0));         // (1, D), (1, H)
        Tensor Gated(Tensor rows)
        {
            var parts = rows.chunk(3, -1);
            return H3Gates.Apply(parts[0], parts[1], parts[2], shift, shiftSkip, kernel, skip);
        }
        var y = segments is null ? Gated(qkv) : segments.Unpacked(qkv, Gated);  // (B, T, D)
        return spec.Output.Apply(y, weights).MoveToOuterDisposeScope();         // (B, T, D)
    }
}
