// B batch, T sequence, N rows (= B·T), D model, H heads, K kv-heads, E head dim, F feed-forward, V vocab
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Modeling.Layers;

/// <summary>Libtorch operations only, any device and type: what a TorchSharp user would write, and the reference of the fused kernels.</summary>
public sealed partial class PlainMath : LayerMath
{
    public override Tensor RmsNorm(Tensor x, Tensor weight, double epsilon)
    {
        using var scope = NewDisposeScope();
        var wide = x.dtype is ScalarType.BFloat16 ? x.to(ScalarType.Float32) : x;
        var y = wide * wide.pow(2).mean([-1], keepdim: true).add(epsilon).rsqrt() * weight;    // (…, D)
        return y.to(x.dtype).MoveToOuterDisposeScope();
    }

    public override Tensor CausalAttention(Tensor qkv, AttentionPattern pattern)
    {
        using var scope = NewDisposeScope();
        var (b, t, heads, kvHeads, e) = (qkv.shape[0], qkv.shape[1], pattern.Heads, pattern.KvHeads, pattern.HeadDim);
        var parts = qkv.view(b, t, heads + 2 * kvHeads, e).split([heads, kvHeads, kvHeads], 2);  // (B, T, H|K|K, E)
        var q = Rotate(parts[0], pattern.Rotary).transpose(1, 2);                                // (B, H, T, E)
        var k = Rotate(parts[1], pattern.Rotary).transpose(1, 2);                                // (B, K, T, E)
        var v = parts[2].transpose(1, 2);                                                        // (B, K, T, E)
        return Attend(q, k, v, pattern).MoveToOuterDisposeScope();                               // (B, T, H·E)
    }

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
        var plain = pattern.IsPlain(t);
        var bias = plain ? null : pattern.Bias(t, q.dtype, q.device).unsqueeze(0);               // (1, 1|H, T, T)
        var y = functional.scaled_dot_product_attention(q, k, v, bias, is_casual: plain);        // (B, H, T, E)
        return y.transpose(1, 2).reshape(b, t, -1).MoveToOuterDisposeScope();                    // (B, T, H·E)
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
        var angles = rotary.CosSin.to(x.dtype).to(x.device).slice(0, 0, x.shape[1], 1);          // (T, 2, E/2)
        var cos = angles.select(1, 0).unsqueeze(1);                                              // (T, 1, E/2)
        var sin = angles.select(1, 1).unsqueeze(1);                                              // (T, 1, E/2)
        var halves = x.chunk(2, -1);                                                             // 2 × (B, T, heads, E/2)
        return cat([halves[0] * cos - halves[1] * sin, halves[1] * cos + halves[0] * sin], -1);  // (B, T, heads, E)
    }
}
