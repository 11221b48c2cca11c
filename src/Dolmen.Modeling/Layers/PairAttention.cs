// B batch, H heads, T queries, S keys, E head dim
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>Attention of an encoder–decoder: over as much of the source as there is, or over the target so far.</summary>
internal static class PairAttention
{
    /// <param name="q">(B, H, T, E)</param>
    /// <param name="k">(B, H, S, E), as <paramref name="v"/>.</param>
    /// <param name="lengths">How many keys each sequence of the batch has; null: each query sees the keys up to its own position.</param>
    /// <returns>(B, T, H·E)</returns>
    public static Tensor Run(Tensor q, Tensor k, Tensor v, SequenceLengths? lengths, bool fused)
    {
        using var scope = NewDisposeScope();
        if (fused) return PairAttentionFunction.apply(q, k, v, lengths ?? (object)"causal").MoveToOuterDisposeScope();
        var (b, h, t, e) = (q.shape[0], q.shape[1], q.shape[2], q.shape[3]);
        var mask = lengths?.Seen(k.shape[2]).view(b, 1, 1, -1);                 // (B, 1, 1, S)
        var y = nn.functional.scaled_dot_product_attention(q, k, v, mask, is_casual: mask is null);        // (B, H, T, E)
        return y.transpose(1, 2).reshape(b, t, h * e).MoveToOuterDisposeScope();
    }
}

/// <summary>apply(q (B, H, T, E), k and v (B, H, S, E), SequenceLengths or "causal") → (B, T, H·E), with the scores in memory.</summary>
internal sealed unsafe class PairAttentionFunction : autograd.SingleTensorFunction<PairAttentionFunction>
{
    public override string Name => "pair_attention";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (q, k, v) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2]);
        var (b, h, t, e) = (q.shape[0], q.shape[1], q.shape[2], q.shape[3]);
        var s = k.shape[2];
        var (queries, keys, values) = (q.reshape(b * h, t, e), k.reshape(b * h, s, e), v.reshape(b * h, s, e));
        var p = queries.bmm(keys.transpose(1, 2));                              // (B·H, T, S)
        var lengths = vars[3] as SequenceLengths;
        var sight = Sees(lengths, h, t);
        var scale = 1 / MathF.Sqrt(e);
        if (p.dtype is ScalarType.BFloat16) SeenSoftmaxKernel.Forward(TensorMemory.Pointer<Bf16>(p), b * h * t, (int)s, scale, sight);
        else SeenSoftmaxKernel.Forward(TensorMemory.Pointer<float>(p), b * h * t, (int)s, scale, sight);
        ctx.save_for_backward([queries, keys, values, p]);
        ctx.save_data("lengths", vars[3]);
        ctx.save_data("heads", h);
        return p.bmm(values).view(b, h, t, e).transpose(1, 2).reshape(b, t, h * e);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var (h, lengths) = ((long)ctx.get_data("heads"), ctx.get_data("lengths") as SequenceLengths);
        return BackwardGuard.Run(
            ctx,
            4,
            [grad_output],
            saved =>
            {
                var (queries, keys, values, p) = (saved[0], saved[1], saved[2], saved[3]);
                var (b, t, s, e) = (grad_output.shape[0], queries.shape[1], keys.shape[1], keys.shape[2]);
                var dy = grad_output.reshape(b, t, h, e).transpose(1, 2).reshape(b * h, t, e); // (B·H, T, E)
                var dvalues = p.transpose(1, 2).bmm(dy); // (B·H, S, E)
                var ds = dy.bmm(values.transpose(1, 2)); // (B·H, T, S), dp until the kernel has run
                var (scale, sight) = (1 / MathF.Sqrt(e), Sees(lengths, h, t));
                if (ds.dtype is ScalarType.BFloat16)
                    SeenSoftmaxKernel.Backward(
                        TensorMemory.Pointer<Bf16>(p),
                        TensorMemory.Pointer<Bf16>(ds),
                        b * h * t,
                        (int)s,
                        scale,
                        sight
                    );
                else
                    SeenSoftmaxKernel.Backward(
                        TensorMemory.Pointer<float>(p),
                        TensorMemory.Pointer<float>(ds),
                        b * h * t,
                        (int)s,
                        scale,
                        sight
                    );
                var dqueries = ds.bmm(keys); // (B·H, T, E)
                var dkeys = ds.transpose(1, 2).bmm(queries); // (B·H, S, E)
                return [dqueries.view(b, h, t, e), dkeys.view(b, h, s, e), dvalues.view(b, h, s, e), null];
            }
        );
    }

    private static Sight Sees(SequenceLengths? lengths, long heads, long queries) =>
        new(heads * queries, (int)queries, lengths is null ? 0 : (IntPtr)lengths.Pointer);
}
