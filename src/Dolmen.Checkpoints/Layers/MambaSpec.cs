namespace Dolmen.Checkpoints;

// D model, I inner (= Expand·D), N state, K convolution width, R rank of Δ

/// <summary>A depthwise causal convolution: weight (channels, 1, width), and a bias.</summary>
public sealed record ConvolutionSpec(string Weight, string? Bias, int Channels, int Width)
{
    public IEnumerable<TensorShape> Tensors()
    {
        yield return new(Weight, [Channels, 1, Width]);
        if (Bias is not null) yield return new(Bias, [Channels]);
    }
}

/// <summary>Mamba's selective state space (Gu and Dao 2023): (x, z) = In·u; x = silu(conv(x)); (Δr, B, C) = X·x; Δ = softplus(Dt·Δr);
/// h ← exp(Δ·A)·h + Δ·B·x with A = −exp(A_log); y = (C·h + D·x)·silu(z); out = Out·y.</summary>
/// <param name="In">D → 2I.</param>
/// <param name="X">I → R + 2N.</param>
/// <param name="Dt">R → I, always with a bias.</param>
/// <param name="ALog">(I, N).</param>
/// <param name="Skip">D of the papers, (I).</param>
/// <param name="DtNorm">RMSNorm over Δr before Dt (Jamba); <paramref name="BNorm"/> and <paramref name="CNorm"/> over B and C.</param>
/// <param name="PlainNormEps">Δr, B and C are each divided by √(mean square + this), without weights (Falcon-Mamba, Zuo et al. 2024); null
/// leaves them.</param>
public sealed record MambaSpec(
    int DInner, int DState, int DtRank, LinearSpec In, ConvolutionSpec Convolution, LinearSpec X, LinearSpec Dt, string ALog, string Skip,
    LinearSpec Output, NormSpec? DtNorm = null, NormSpec? BNorm = null, NormSpec? CNorm = null,
    double? PlainNormEps = null) : MixerSpec
{
    public override string Name => "Mamba";

    public override IEnumerable<TensorShape> Tensors() =>
    [
        new(ALog, [DInner, DState]), new(Skip, [DInner]), .. Convolution.Tensors(), .. In.Tensors(), .. X.Tensors(), .. Dt.Tensors(),
        .. Output.Tensors(), .. DtNorm?.Tensors() ?? [], .. BNorm?.Tensors() ?? [], .. CNorm?.Tensors() ?? [],
    ];

    // A state's update and its reading: exp(ΔA)·h, + ΔB·x, ·C, the sum: 8 operations a number.
    public override double ForwardFlopsPerToken(int contextLength) => In.ForwardFlops + X.ForwardFlops + Dt.ForwardFlops
        + Output.ForwardFlops + 2.0 * DInner * Convolution.Width + 8.0 * DInner * DState;

    public override long StateValuesPerSequence => (long)DInner * (DState + Convolution.Width - 1);
}

/// <summary>Mamba-2 (Dao and Gu 2024): one decay a head, so that the scan is a masked product. (z, x, B, C, Δ) = In·u;
/// (x, B, C) = silu(conv); Δ = clamp(softplus(Δ + bias)); h ← exp(Δ·A)·h + Δ·B⊗x; y = C·h + D·x; out = Out·norm(y·silu(z)).</summary>
/// <param name="In">D → 2·H·P + 2·G·N + H.</param>
/// <param name="DtBias">(H), as <paramref name="ALog"/> and <paramref name="Skip"/> are.</param>
public sealed record Mamba2Spec(
    int Heads, int HeadDim, int Groups, int DState, LinearSpec In, ConvolutionSpec Convolution, string DtBias, string ALog, string Skip,
    NormSpec Norm, LinearSpec Output, double MinDt = 0, double MaxDt = double.PositiveInfinity) : MixerSpec
{
    public override string Name => "Mamba-2";

    public int DInner => Heads * HeadDim;

    public override IEnumerable<TensorShape> Tensors() =>
    [
        new(DtBias, [Heads]), new(ALog, [Heads]), new(Skip, [Heads]), .. Convolution.Tensors(), .. In.Tensors(), .. Norm.Tensors(),
        .. Output.Tensors(),
    ];

    public override double ForwardFlopsPerToken(int contextLength) => In.ForwardFlops + Output.ForwardFlops
        + 2.0 * Convolution.Channels * Convolution.Width + 6.0 * DInner * DState;

    public override long StateValuesPerSequence => (long)DInner * DState + (long)Convolution.Channels * (Convolution.Width - 1);
}
