// C channels, H features, N state (one of each conjugate pair), P numerators, L length, F frequencies (= L/2 + 1)
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

public abstract partial class LayerMath
{
    /// <summary>K(c, h, l) = 2·Re Σₙ w(c, h, n)·exp(l·λ(h, n)): the kernel of a diagonal state space, a product with a Vandermonde matrix
    /// (Gu et al. 2022, "On the Parameterization and Initialization of Diagonal State Space Models", §3.2).
    /// weights w (C, H, N, 2) and rates λ (H, N, 2), real and imaginary part last → (C, H, L).</summary>
    public abstract Tensor PowerSums(Tensor weights, Tensor rates, long length);

    /// <summary>G(p, h, k) = Σₙ v/(iσ − λ·c) + v̄/(iσ − λ̄·c), σ = 2·sin(πk/L), c = cos(πk/L): the Cauchy products of S4 (Gu et al. 2022,
    /// "Efficiently Modeling Long Sequences", §3) at the L-th roots of unity, with the pole that the bilinear transform has at −1
    /// multiplied away. numerators v (P, H, N, 2), rates λ (H, N, 2) → (2, P, H, F), real and imaginary part first.</summary>
    public abstract Tensor CauchySums(Tensor numerators, Tensor rates, long length);
}
