// B batch, T sequence, I inner channels, K kernel width, N states, H heads, P head dim, G groups
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Modeling.Layers;

public sealed partial class PlainMath
{
    internal const long DualChunk = 64;

    public override Tensor CausalConv1d(Tensor x, Tensor weight, Tensor? bias, bool silu, Segments? segments = null)
    {
        CheckConv(x, weight, bias);
        if (segments is not null) return segments.EachAlone(1, y => CausalConv1d(y[0]!, weight, bias, silu), x);
        using var scope = NewDisposeScope();
        var (t, k) = (x.shape[1], weight.shape[1]);
        var padded = functional.pad(Wide(x), [0, 0, k - 1, 0]);                                  // (B, K−1+T, I)
        var y = padded.narrow(1, 0, t) * weight.select(1, 0);                                    // (B, T, I)
        for (var i = 1; i < k; i++) y += padded.narrow(1, i, t) * weight.select(1, i);           // (B, T, I)
        if (bias is not null) y += bias;
        return (silu ? functional.silu(y) : y).to(x.dtype).MoveToOuterDisposeScope();
    }

    public override Tensor SelectiveScan(
        Tensor x, Tensor delta, Tensor aLog, Tensor b, Tensor c, Tensor d, Tensor? gate, Segments? segments = null)
    {
        CheckScan(x, delta, aLog, b, c, d, gate);
        if (segments is not null)
            return segments.EachAlone(1, y => SelectiveScan(y[0]!, y[1]!, aLog, y[2]!, y[3]!, d, y[4]), x, delta, b, c, gate);
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

    public override Tensor StateSpaceDual(Tensor x, Tensor delta, Tensor aLog, Tensor b, Tensor c, Tensor d, Segments? segments = null)
    {
        CheckDual(x, delta, aLog, b, c, d);
        if (segments is not null) return segments.EachAlone(1, y => StateSpaceDual(y[0]!, y[1]!, aLog, y[2]!, y[3]!, d), x, delta, b, c);
        return x.device_type is DeviceType.CPU ? DualRecurrence(x, delta, aLog, b, c, d) : DualChunks(x, delta, aLog, b, c, d, DualChunk);
    }

    public override Tensor GatedRmsNorm(Tensor x, Tensor gate, Tensor weight, double epsilon)
    {
        using var scope = NewDisposeScope();
        Shape.Check(nameof(gate), gate, x.shape);
        return RmsNorm(Wide(x) * functional.silu(Wide(gate)), weight, epsilon).to(x.dtype).MoveToOuterDisposeScope();
    }

    private static Tensor DualRecurrence(Tensor x, Tensor delta, Tensor aLog, Tensor b, Tensor c, Tensor d)
    {
        using var scope = NewDisposeScope();
        var (wide, step, share) = (Wide(x), Wide(delta), x.shape[2] / b.shape[2]);
        var decays = (step * aLog.exp().neg()).exp().unbind(1);                                  // T × (B, H)
        var drives = (wide * step.unsqueeze(-1)).unbind(1);                                      // T × (B, H, P)
        var inputs = Wide(b).repeat_interleave(share, 2).unbind(1);                              // T × (B, H, N)
        var outputs = Wide(c).repeat_interleave(share, 2).unbind(1);                             // T × (B, H, N)
        var h = zeros([x.shape[0], x.shape[2], x.shape[3], b.shape[3]], wide.dtype, x.device);   // (B, H, P, N)
        var ys = new Tensor[x.shape[1]];
        for (var t = 0; t < ys.Length; t++)
        {
            h = decays[t].unsqueeze(-1).unsqueeze(-1) * h + drives[t].unsqueeze(-1) * inputs[t].unsqueeze(2);       // (B, H, P, N)
            ys[t] = (h * outputs[t].unsqueeze(2)).sum(-1);                                       // (B, H, P)
        }
        return (stack(ys, 1) + d.unsqueeze(-1) * wide).to(x.dtype).MoveToOuterDisposeScope();    // (B, T, H, P)
    }

    /// <summary>The block form of the paper's section 6: inside a chunk as masked attention, across chunks as a recurrence of one state a
    /// chunk. C chunks of Q positions, R heads a group (= H / G).</summary>
    internal static Tensor DualChunks(Tensor x, Tensor delta, Tensor aLog, Tensor b, Tensor c, Tensor d, long q)
    {
        using var scope = NewDisposeScope();
        var (batch, t, heads, p, g, n) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3], b.shape[2], b.shape[3]);
        var (chunks, r) = ((t + q - 1) / q, heads / g);
        // Positions that fill the last chunk have a step of 0: they neither decay nor add.
        Tensor Chunked(Tensor y, params long[] rest) =>
            functional.pad(y, [0, 0, 0, 0, 0, chunks * q - t]).view([batch, chunks, q, .. rest]);
        var (wide, step) = (Wide(x), Wide(delta).unsqueeze(-1)); // (B, T, H, P), (B, T, H, 1)
        var drive = Chunked(wide * step, g, r, p).permute(0, 1, 3, 4, 2, 5); // (B, C, G, R, Q, P)
        var (input, output) = (Chunked(Wide(b), g, n).transpose(2, 3), Chunked(Wide(c), g, n).transpose(2, 3)); // (B, C, G, Q, N)
        var logs = Chunked(step * aLog.exp().neg().unsqueeze(-1), g, r).permute(0, 1, 3, 4, 2).cumsum(-1); // (B, C, G, R, Q)
        var future = ones([q, q], ScalarType.Bool, x.device).triu(1);
        var decays = (logs.unsqueeze(-1) - logs.unsqueeze(-2)).Hide(future).exp();    // (B, C, G, R, Q, Q)
        var scores = einsum("bcgqn,bcgkn->bcgqk", output, input).unsqueeze(3) * decays;          // (B, C, G, R, Q, Q)
        var y = einsum("bcgrqk,bcgrkp->bcgrqp", scores, drive);                                  // (B, C, G, R, Q, P)
        var last = logs.slice(-1, q - 1, q, 1);                                                  // (B, C, G, R, 1)
        var added = einsum("bcgkn,bcgrkp->bcgrnp", input, drive * (last - logs).exp().unsqueeze(-1));                 // (B, C, G, R, N, P)
        var kept = last.exp().unsqueeze(-1);                                                     // (B, C, G, R, 1, 1)
        var h = zeros_like(added.select(1, 0));                                                  // (B, G, R, N, P)
        var before = new Tensor[chunks];
        for (var chunk = 0; chunk < chunks; chunk++)
        {
            before[chunk] = h;
            h = kept.select(1, chunk) * h + added.select(1, chunk);                              // (B, G, R, N, P)
        }
        y += einsum("bcgqn,bcgrnp->bcgrqp", output, stack(before, 1)) * logs.exp().unsqueeze(-1);                     // (B, C, G, R, Q, P)
        y = y.permute(0, 1, 4, 2, 3, 5).reshape(batch, chunks * q, heads, p).narrow(1, 0, t);    // (B, T, H, P)
        return (y + d.unsqueeze(-1) * wide).to(x.dtype).MoveToOuterDisposeScope();
    }

    private static Tensor Wide(Tensor x) => x.dtype is ScalarType.BFloat16 ? x.to(ScalarType.Float32) : x;
}
