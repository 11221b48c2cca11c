// B batch, T sequence, I inner channels, K kernel width, N states, H heads, P head dim, G groups
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

public abstract partial class LayerMath
{
    /// <summary>Each channel convolved over time with its own filter, looking back only: y[t] = Σₖ w[k]·x[t−K+1+k] + bias, then silu if
    /// asked. x (B, T, I), weight (I, K) fp32, bias (I) fp32 → (B, T, I).</summary>
    public abstract Tensor CausalConv1d(Tensor x, Tensor weight, Tensor? bias, bool silu);

    /// <summary>Mamba's selective state space (Gu and Dao 2023, eq. 2 with their discretisation): h[t] = exp(Δ·A)·h[t−1] + Δ·b·x, y = (Σₙ c·h + d·x)·silu(gate)
    /// with Δ = softplus(delta) and A = −exp(aLog). x, delta (bias already added), gate (B, T, I), b and c (B, T, N), all of one type;
    /// aLog (I, N) and d (I) fp32 → (B, T, I). Without a gate there is no silu.</summary>
    public abstract Tensor SelectiveScan(Tensor x, Tensor delta, Tensor aLog, Tensor b, Tensor c, Tensor d, Tensor? gate);

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
}
