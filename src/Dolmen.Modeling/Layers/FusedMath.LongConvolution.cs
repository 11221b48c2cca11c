// C channels, H features, N state (one of each conjugate pair), P numerators, L length
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

public sealed partial class FusedMath
{
    public override Tensor PowerSums(Tensor weights, Tensor rates, long length)
    {
        Shape.Check(nameof(weights), weights, weights.shape[0], rates.shape[0], rates.shape[1], 2);
        return PowerSumsFunction.apply(weights, rates, length);
    }

    public override Tensor CauchySums(Tensor numerators, Tensor rates, long length)
    {
        Shape.Check(nameof(numerators), numerators, numerators.shape[0], rates.shape[0], rates.shape[1], 2);
        if (rates.dtype is ScalarType.Float64) return PlainMath.CauchyInLibtorch(numerators, rates, length);
        return CauchySumsFunction.apply(numerators, rates, length);
    }
}
