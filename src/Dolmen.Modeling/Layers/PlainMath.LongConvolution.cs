// C channels, H features, N state (one of each conjugate pair), P numerators, L length, F frequencies (= L/2 + 1)
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

public sealed partial class PlainMath
{
    public override Tensor PowerSums(Tensor weights, Tensor rates, long length)
    {
        using var scope = NewDisposeScope();
        var l = arange(length, dtype: rates.dtype, device: rates.device);                        // (L)
        var decay = (rates.select(-1, 0).unsqueeze(-1) * l).exp();                               // (H, N, L)
        var angle = rates.select(-1, 1).unsqueeze(-1) * l;                                       // (H, N, L)
        var powers = cat([decay * angle.cos(), decay * angle.sin()], 1);                         // (H, 2N, L)
        var w = cat([weights.select(-1, 0), -weights.select(-1, 1)], -1).transpose(0, 1);        // (H, C, 2N)
        return (w.bmm(powers) * 2).transpose(0, 1).contiguous().MoveToOuterDisposeScope();       // (C, H, L)
    }

    public override Tensor CauchySums(Tensor numerators, Tensor rates, long length) => CauchyInLibtorch(numerators, rates, length);

    internal static Tensor CauchyInLibtorch(Tensor numerators, Tensor rates, long length)
    {
        using var scope = NewDisposeScope();
        var halfAngle = arange(length / 2 + 1, dtype: rates.dtype, device: rates.device) * (Math.PI / length);      // (F)
        var sigma = halfAngle.sin() * 2;                                                         // (F)
        var cos = halfAngle.cos();                                                               // (F)
        var a = rates.select(-1, 0).unsqueeze(-1) * cos;                                         // (H, N, F)
        var b = rates.select(-1, 1).unsqueeze(-1) * cos;                                         // (H, N, F)
        // 1/(iσ − μ) and 1/(iσ − μ̄) with μ = a + i·b; then their sum and difference.
        var (below, above) = (sigma - b, sigma + b);                                             // (H, N, F)
        var (first, second) = ((a * a + below * below).reciprocal(), (a * a + above * above).reciprocal());
        var (firstRe, firstIm) = (-a * first, -below * first);                                   // (H, N, F)
        var (secondRe, secondIm) = (-a * second, -above * second);                               // (H, N, F)
        var toRe = cat([firstRe + secondRe, secondIm - firstIm], 1);                             // (H, 2N, F)
        var toIm = cat([firstIm + secondIm, firstRe - secondRe], 1);                             // (H, 2N, F)
        var v = cat([numerators.select(-1, 0), numerators.select(-1, 1)], -1).transpose(0, 1);   // (H, P, 2N)
        return stack([v.bmm(toRe), v.bmm(toIm)]).transpose(1, 2).contiguous().MoveToOuterDisposeScope();           // (2, P, H, F)
    }
}
