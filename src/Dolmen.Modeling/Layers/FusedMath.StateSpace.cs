// B batch, T sequence, I inner channels, K kernel width, N states, H heads, P head dim, G groups
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

public sealed partial class FusedMath
{
    public override Tensor CausalConv1d(Tensor x, Tensor weight, Tensor? bias, bool silu, Segments? segments = null)
    {
        CheckConv(x, weight, bias);
        segments?.Check(x, 1);
        return CausalConvFunction.apply(x, weight, (object?)bias ?? false, silu, (object?)segments ?? false);
    }

    public override Tensor SelectiveScan(
        Tensor x, Tensor delta, Tensor aLog, Tensor b, Tensor c, Tensor d, Tensor? gate, Segments? segments = null)
    {
        CheckScan(x, delta, aLog, b, c, d, gate);
        segments?.Check(x, 1);
        return SelectiveScanFunction.apply(x, delta, aLog, b, c, d, (object?)gate ?? false, (object?)segments ?? false);
    }

    public override Tensor StateSpaceDual(Tensor x, Tensor delta, Tensor aLog, Tensor b, Tensor c, Tensor d, Segments? segments = null)
    {
        CheckDual(x, delta, aLog, b, c, d);
        segments?.Check(x, 1);
        using var scope = NewDisposeScope();
        var apart = (object?)segments ?? false;
        return StateSpaceDualFunction.apply(x, delta.to(ScalarType.Float32), aLog, b, c, d, apart).MoveToOuterDisposeScope();
    }

    public override Tensor GatedRmsNorm(Tensor x, Tensor gate, Tensor weight, double epsilon)
    {
        Shape.Check(nameof(gate), gate, x.shape);
        Shape.Check(nameof(weight), weight, x.shape[^1]);
        return GatedRmsNormFunction.apply(x, gate, weight, epsilon);
    }
}
