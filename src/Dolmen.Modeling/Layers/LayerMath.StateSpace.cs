// B batch, T sequence, I inner channels, K kernel width, N states, H heads, P head dim, G groups
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

public abstract partial class LayerMath
{
    /// <summary>Each channel convolved over time with its own filter, looking back only: y[t] = Σₖ w[k]·x[t−K+1+k] + bias, then silu if
    /// asked. x (B, T, I), weight (I, K) fp32, bias (I) fp32 → (B, T, I).</summary>
    /// <param name="segments">Each is preceded by zeros; null takes every row as one.</param>
    public abstract Tensor CausalConv1d(Tensor x, Tensor weight, Tensor? bias, bool silu, Segments? segments = null);

    /// <summary>Mamba's selective state space (Gu and Dao 2023, eq. 2 with their discretisation): h[t] = exp(Δ·A)·h[t−1] + Δ·b·x, y = (Σₙ
    /// c·h + d·x)·silu(gate) with Δ = softplus(delta) and A = −exp(aLog). x, delta (bias already added), gate (B, T, I), b and c (B, T, N),
    /// all of one type;
    /// aLog (I, N) and d (I) fp32 → (B, T, I). Without a gate there is no silu.</summary>
    /// <param name="segments">Each begins with h = 0; null takes every row as one.</param>
    public abstract Tensor SelectiveScan(
        Tensor x, Tensor delta, Tensor aLog, Tensor b, Tensor c, Tensor d, Tensor? gate, Segments? segments = null);

    /// <summary>Mamba-2's scan (Dao and Gu 2024): one decay a head, h[t] = exp(delta·A)·h[t−1] + delta·x⊗b, y = h·c + d·x with A =
    /// −exp(aLog).
    /// x (B, T, H, P), delta (B, T, H) after softplus and clamp, fp32 or x's type, b and c (B, T, G, N) of x's type, shared by the H/G
    /// heads of a group; aLog and d (H) fp32 → (B, T, H, P).</summary>
    /// <param name="segments">Each begins with h = 0; null takes every row as one.</param>
    public abstract Tensor StateSpaceDual(Tensor x, Tensor delta, Tensor aLog, Tensor b, Tensor c, Tensor d, Segments? segments = null);

    /// <summary>RMSNorm of x·silu(gate), the norm after Mamba-2's scan; x and gate (…, D) of one type, weight (D) fp32.</summary>
    public abstract Tensor GatedRmsNorm(Tensor x, Tensor gate, Tensor weight, double epsilon);

    internal static void CheckConv(Tensor x, Tensor weight, Tensor? bias)
    {
        if (x.dim() != 3) throw new ArgumentException($"x has {x.dim()} dimensions, expected 3: (batch, time, channels).", nameof(x));
        Shape.Check(nameof(weight), weight, x.shape[2], weight.shape[^1]);
        if (bias is not null) Shape.Check(nameof(bias), bias, x.shape[2]);
    }

    internal static void CheckScan(Tensor x, Tensor delta, Tensor aLog, Tensor b, Tensor c, Tensor d, Tensor? gate)
    {
        if (x.dim() != 3) throw new ArgumentException($"x has {x.dim()} dimensions, expected 3: (batch, time, channels).", nameof(x));
        var (batch, t, inner, n) = (x.shape[0], x.shape[1], x.shape[2], aLog.shape[^1]);
        Shape.Check(nameof(delta), delta, batch, t, inner);
        Shape.Check(nameof(aLog), aLog, inner, n);
        Shape.Check(nameof(b), b, batch, t, n);
        Shape.Check(nameof(c), c, batch, t, n);
        Shape.Check(nameof(d), d, inner);
        if (gate is not null) Shape.Check(nameof(gate), gate, batch, t, inner);
    }

    internal static void CheckDual(Tensor x, Tensor delta, Tensor aLog, Tensor b, Tensor c, Tensor d)
    {
        if (x.dim() != 4)
            throw new ArgumentException($"x has {x.dim()} dimensions, expected 4: (batch, time, heads, head dim).", nameof(x));
        if (b.dim() != 4)
            throw new ArgumentException($"b has {b.dim()} dimensions, expected 4: (batch, time, groups, states).", nameof(b));
        var (batch, t, heads, groups) = (x.shape[0], x.shape[1], x.shape[2], b.shape[2]);
        if (heads % groups != 0)
            throw new ArgumentException($"b has {groups} groups for {heads} heads: heads must be a multiple of groups.", nameof(b));
        Shape.Check(nameof(delta), delta, batch, t, heads);
        Shape.Check(nameof(aLog), aLog, heads);
        Shape.Check(nameof(b), b, batch, t, groups, b.shape[3]);
        Shape.Check(nameof(c), c, batch, t, groups, b.shape[3]);
        Shape.Check(nameof(d), d, heads);
    }
}
