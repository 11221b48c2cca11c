// S4's block (Gu et al. 2022): state space → GELU → linear to 2D → gated linear unit.
// B batch, T sequence, D model
using Dolmen.Checkpoints;
using Dolmen.Modeling.Layers;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Modeling.Mixers;

internal sealed class S4Mixer(S4Spec spec, LayerMath math) : SequenceMixer
{
    public override void Declare(WeightLayout layout, Initializer residual)
    {
        spec.System.Declare(layout);
        layout.Add(spec.Output, Initializers.LikeTorch(spec.Output), Initializers.LikeTorch(spec.Output));
    }

    public override Tensor Forward(Tensor x, ParameterStore weights, Segments? segments)
    {
        using var scope = NewDisposeScope();
        var kernel = spec.System.Kernel(math, weights, x.shape[1]);             // (1, D, T)
        var skip = weights[spec.System.Skip].unsqueeze(0);                      // (1, D)
        var convolved = segments is null
            ? LongConvolution.Apply(x, kernel, skip)
            : segments.Unpacked(x, rows => LongConvolution.Apply(rows, kernel, skip));                          // (B, T, D)
        var y = functional.gelu(convolved);                                     // (B, T, D)
        return functional.glu(spec.Output.Apply(y, weights), -1).MoveToOuterDisposeScope();                     // (B, T, D)
    }
}
