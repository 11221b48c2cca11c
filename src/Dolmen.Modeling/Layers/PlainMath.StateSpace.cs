// B batch, T sequence, I inner channels, K kernel width, N states, H heads, P head dim, G groups
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Modeling.Layers;

public sealed partial class PlainMath
{
    public override Tensor CausalConv1d(Tensor x, Tensor weight, Tensor? bias, bool silu)
    {
        CheckConv(x, weight, bias);
        using var scope = NewDisposeScope();
        var (t, k) = (x.shape[1], weight.shape[1]);
        var padded = functional.pad(Wide(x), [0, 0, k - 1, 0]);                                  // (B, K−1+T, I)
        var y = padded.narrow(1, 0, t) * weight.select(1, 0);                                    // (B, T, I)
        for (var i = 1; i < k; i++) y += padded.narrow(1, i, t) * weight.select(1, i);           // (B, T, I)
        if (bias is not null) y += bias;
        return (silu ? functional.silu(y) : y).to(x.dtype).MoveToOuterDisposeScope();
    }

    public override Tensor SelectiveScan(Tensor x, Tensor delta, Tensor aLog, Tensor b, Tensor c, Tensor d, Tensor? gate)
    {
        CheckScan(x, delta, aLog, b, c, d, gate);
        return SelectiveScan(x, delta, aLog, b, c, d, gate, stepwise: x.device_type is DeviceType.CPU);
    }

    /// <summary>Step by step: T small operations. Or all steps at once: log₂ T large ones, which a GPU prefers.</summary>
    internal static Tensor SelectiveScan(Tensor x, Tensor delta, Tensor aLog, Tensor b, Tensor c, Tensor d, Tensor? gate, bool stepwise)
    {
        using var scope = NewDisposeScope();
        var (wide, step) = (Wide(x), functional.softplus(Wide(delta)));                          // (B, T, I)
        var rates = aLog.exp().neg();                                                            // (I, N)
        var drive = step * wide;                                                                 // (B, T, I)
        var y = stepwise ? Stepwise(step, drive, rates, Wide(b), Wide(c)) : Associative(step, drive, rates, Wide(b), Wide(c));
        y += d * wide;                                                                           // (B, T, I)
        if (gate is not null) y *= functional.silu(Wide(gate));
        return y.to(x.dtype).MoveToOuterDisposeScope();
    }

    private static Tensor Stepwise(Tensor step, Tensor drive, Tensor rates, Tensor b, Tensor c)
    {
        var (steps, drives, inputs, outputs) = (step.unbind(1), drive.unbind(1), b.unbind(1), c.unbind(1));     // T × (B, I) or (B, N)
        var h = zeros([step.shape[0], step.shape[2], rates.shape[1]], step.dtype, step.device);                 // (B, I, N)
        var ys = new Tensor[steps.Length];
        for (var t = 0; t < steps.Length; t++)
        {
            var decay = (steps[t].unsqueeze(-1) * rates).exp();                                  // (B, I, N)
            h = decay * h + drives[t].unsqueeze(-1) * inputs[t].unsqueeze(1);                    // (B, I, N)
            ys[t] = (h * outputs[t].unsqueeze(1)).sum(-1);                                       // (B, I)
        }
        return stack(ys, 1);                                                                     // (B, T, I)
    }

    /// <summary>h[t] = a·h[t−1] + u as prefix products of the maps (a, u) by doubling (Hillis and Steele 1986): after the round of
    /// distance s, entry t holds the composition of the last 2s maps.</summary>
    private static Tensor Associative(Tensor step, Tensor drive, Tensor rates, Tensor b, Tensor c)
    {
        var t = step.shape[1];
        var a = (step.unsqueeze(-1) * rates).exp();                                              // (B, T, I, N)
        var u = drive.unsqueeze(-1) * b.unsqueeze(2);                                            // (B, T, I, N)
        for (long s = 1; s < t; s *= 2)
        {
            var (head, tail) = (a.slice(1, s, t, 1), u.slice(1, s, t, 1));                       // (B, T−s, I, N)
            u = cat([u.slice(1, 0, s, 1), tail + head * u.slice(1, 0, t - s, 1)], 1);            // (B, T, I, N)
            a = cat([a.slice(1, 0, s, 1), head * a.slice(1, 0, t - s, 1)], 1);                   // (B, T, I, N)
        }
        return (u * c.unsqueeze(2)).sum(-1);                                                     // (B, T, I)
    }

    private static Tensor Wide(Tensor x) => x.dtype is ScalarType.BFloat16 ? x.to(ScalarType.Float32) : x;
}
