// B batch, T sequence, N rows (= B·T), D model, H heads, K kv-heads, E head dim, F feed-forward, V vocab
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Modeling.Layers;

/// <summary>Libtorch operations only, any device and type: what a TorchSharp user would write, and the reference of the fused
/// kernels.</summary>
public sealed partial class PlainMath : LayerMath
{
    public override Tensor RmsNorm(Tensor x, Tensor weight, double epsilon)
    {
        using var scope = NewDisposeScope();
        var wide = x.dtype is ScalarType.BFloat16 ? x.to(ScalarType.Float32) : x;
        var y = wide * wide.pow(2).mean([-1], keepdim: true).add(epsilon).rsqrt() * weight;    // (…, D)
        return y.to(x.dtype).MoveToOuterDisposeScope();
    }

    public override Tensor CausalAttention(Tensor qkv, AttentionPattern pattern, Segments? segments = null)
    {
        if (segments is not null) return segments.EachAlone(1, x => CausalAttention(x[0]!, pattern), qkv);
        using var scope = NewDisposeScope();
        var (b, t, heads, kvHeads, e) = (qkv.shape[0], qkv.shape[1], pattern.Heads, pattern.KvHeads, pattern.HeadDim);
        var parts = qkv.view(b, t, heads + 2 * kvHeads, e).split([heads, kvHeads, kvHeads], 2);  // (B, T, H|K|K, E)
        var q = Rotate(parts[0], pattern.Rotary).transpose(1, 2);                                // (B, H, T, E)
        var k = Rotate(parts[1], pattern.Rotary).transpose(1, 2);                                // (B, K, T, E)
        var v = parts[2].transpose(1, 2);                                                        // (B, K, T, E)
        return Attend(q, k, v, pattern).MoveToOuterDisposeScope();                               // (B, T, H·E)
    }

    /// <summary><see cref="Attend"/>, each segment by itself.</summary>
    internal static Tensor AttendApart(Tensor q, Tensor k, Tensor v, AttentionPattern pattern, Segments? segments) =>
        segments is null ? Attend(q, k, v, pattern) : segments.EachAlone(2, x => Attend(x[0]!, x[1]!, x[2]!, pattern), q, k, v);

    /// <summary>q (B, H, T, E), k and v (B, K, T, E) → (B, T, H·E), by libtorch's kernels.</summary>
    internal static Tensor Attend(Tensor q, Tensor k, Tensor v, AttentionPattern pattern)
    {
        using var scope = NewDisposeScope();
        var (b, t) = (q.shape[0], q.shape[2]);
        if (pattern.KvHeads != pattern.Heads)
        {
            k = k.repeat_interleave(pattern.Heads / pattern.KvHeads, 1);                         // (B, H, T, E)
            v = v.repeat_interleave(pattern.Heads / pattern.KvHeads, 1);                         // (B, H, T, E)
        }
        if (pattern.Slopes is null && pattern.Window is { } window && 2L * window < t)
            return AttendWithin(window, q, k, v).transpose(1, 2).reshape(b, t, -1).MoveToOuterDisposeScope();
        var plain = pattern.IsPlain(t);
        var bias = plain ? null : pattern.Bias(t, q.dtype, q.device).unsqueeze(0);               // (1, 1|H, T, T)
        var y = functional.scaled_dot_product_attention(q, k, v, bias, is_casual: plain);        // (B, H, T, E)
        return y.transpose(1, 2).reshape(b, t, -1).MoveToOuterDisposeScope();                    // (B, T, H·E)
    }

    /// <summary>Queries in blocks as long as the window: each looks at its own block and the one before, so that cost grows with T·W, not
    /// T².
    /// q, k, v (B, H, T, E) → (B, H, T, E).</summary>
    private static Tensor AttendWithin(int window, Tensor q, Tensor k, Tensor v)
    {
        using var scope = NewDisposeScope();
        var t = q.shape[2];
        var blocks = new List<Tensor>();
        for (long start = 0; start < t; start += window)
        {
            var (from, rows) = (Math.Max(0, start - window), Math.Min(window, t - start));
            var seen = start + rows - from;
            // (rows, seen)
            var distance =
                arange(start, start + rows, device: q.device).unsqueeze(1) - arange(from, from + seen, device: q.device).unsqueeze(0);
            var bias = zeros([rows, seen], q.dtype, q.device).Hide(distance.lt(0).logical_or(distance.ge(window)));
            blocks.Add(
                functional.scaled_dot_product_attention(q.narrow(2, start, rows), k.narrow(2, from, seen), v.narrow(2, from, seen), bias)
            );
        }
        return cat(blocks, 2).MoveToOuterDisposeScope();                                         // (B, H, T, E)
    }

    public override Tensor SwiGlu(Tensor gateUp)
    {
        using var scope = NewDisposeScope();
        var parts = gateUp.chunk(2, -1);                                                         // 2 × (…, F)
        return (functional.silu(parts[0]) * parts[1]).MoveToOuterDisposeScope();
    }

    public override Tensor CrossEntropy(Tensor x, Tensor head, Tensor targets, double scale)
    {
        using var scope = NewDisposeScope();
        var logits = functional.linear(x, head);                                                 // (N, V)
        if (logits.dtype is ScalarType.BFloat16) logits = logits.to(ScalarType.Float32);
        var losses = functional.cross_entropy(logits, targets, ignore_index: -1, reduction: Reduction.Sum);
        return (losses * scale).MoveToOuterDisposeScope();
    }

    public override Tensor LogProbs(Tensor x, Tensor head, Tensor targets)
    {
        using var scope = NewDisposeScope();
        var logits = functional.linear(x, head);                                                 // (N, V)
        if (logits.dtype is ScalarType.BFloat16) logits = logits.to(ScalarType.Float32);
        var losses = functional.cross_entropy(logits, targets, ignore_index: -1, reduction: Reduction.None);
        return losses.neg().MoveToOuterDisposeScope();                                           // (N)
    }

    /// <summary>Hugging Face's half split: (a, b) → (a·cos − b·sin, b·cos + a·sin).</summary>
    private static Tensor Rotate(Tensor x, RotaryTable? rotary)                                  // (B, T, heads, E)
    {
        if (rotary is null) return x;
        var angles = rotary.For((int)x.shape[1]).to(x.dtype).to(x.device).slice(0, 0, x.shape[1], 1);          // (T, 2, E/2)
        var cos = angles.select(1, 0).unsqueeze(1);                                              // (T, 1, E/2)
        var sin = angles.select(1, 1).unsqueeze(1);                                              // (T, 1, E/2)
        var halves = x.chunk(2, -1);                                                             // 2 × (B, T, heads, E/2)
        return cat([halves[0] * cos - halves[1] * sin, halves[1] * cos + halves[0] * sin], -1);  // (B, T, heads, E)
    }
}
