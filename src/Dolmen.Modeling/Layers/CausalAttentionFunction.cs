// B batch, T sequence, H heads, K kv-heads, G query heads a kv-head (= H / K), E head dim
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>apply(q (B, H, T, E), k (B, K, T, E), v (B, K, T, E), slopes (H) fp32 or empty, int window, Segments or false) → (B, T, H·E),
/// with the whole score matrix in memory.
/// The G query heads of one kv-head are stacked as rows, so that grouping costs no copy.</summary>
internal sealed unsafe class CausalAttentionFunction : autograd.SingleTensorFunction<CausalAttentionFunction>
{
    public override string Name => "causal_attention";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (q, k, v) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2]);
        var (b, h, t, e) = (q.shape[0], q.shape[1], q.shape[2], q.shape[3]);
        var kv = k.shape[1];
        var rows = q.view(b * kv, h / kv * t, e);                               // (B·K, G·T, E)
        var (keys, values) = (k.view(b * kv, t, e), v.view(b * kv, t, e));      // (B·K, T, E)
        var p = rows.bmm(keys.transpose(1, 2));                                 // (B·K, G·T, T)
        var (slopes, window) = ((Tensor)vars[3], (int)vars[4]);
        fixed (int* starts = (vars[5] as Segments)?.Starts)
        {
            var mask = Mask(t, h, e, window, slopes, starts);
            if (p.dtype is ScalarType.BFloat16) CausalSoftmaxKernel.Forward(TensorMemory.Pointer<Bf16>(p), b * h * t, mask);
            else CausalSoftmaxKernel.Forward(TensorMemory.Pointer<float>(p), b * h * t, mask);
        }
        ctx.save_for_backward([rows, keys, values, p, slopes]);
        ctx.save_data("segments", vars[5]);
        ctx.save_data("window", window);
        ctx.save_data("heads", h);
        return p.bmm(values).view(b, h, t, e).transpose(1, 2).reshape(b, t, h * e);       // (B, T, H·E)
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var (h, window, segments) = ((long)ctx.get_data("heads"), (int)ctx.get_data("window"), ctx.get_data("segments") as Segments);
        return BackwardGuard.Run(ctx, 6, [grad_output], saved =>
        {
            var (rows, keys, values, p) = (saved[0], saved[1], saved[2], saved[3]);
            var (b, t, e) = (grad_output.shape[0], keys.shape[1], keys.shape[2]);
            var kv = keys.shape[0] / b;
            var dy = grad_output.view(b, t, h, e).transpose(1, 2).reshape(b * kv, h / kv * t, e);     // (B·K, G·T, E)
            var dvalues = p.transpose(1, 2).bmm(dy);                            // (B·K, T, E)
            var ds = dy.bmm(values.transpose(1, 2));                            // (B·K, G·T, T), dp until the kernel has run
            fixed (int* starts = segments?.Starts)
            {
                var mask = Mask(t, h, e, window, saved[4], starts);
                if (ds.dtype is ScalarType.BFloat16)
                    CausalSoftmaxKernel.Backward(TensorMemory.Pointer<Bf16>(p), TensorMemory.Pointer<Bf16>(ds), b * h * t, mask);
                else
                    CausalSoftmaxKernel.Backward(TensorMemory.Pointer<float>(p), TensorMemory.Pointer<float>(ds), b * h * t, mask);
            }
            var drows = ds.bmm(keys);                                           // (B·K, G·T, E)
            var dkeys = ds.transpose(1, 2).bmm(rows);                           // (B·K, T, E)
            return [drows.view(b, h, t, e), dkeys.view(b, kv, t, e), dvalues.view(b, kv, t, e), null, null, null];
        });
    }

    private static ScoreMask Mask(long t, long heads, long e, int window, Tensor slopes, int* starts) =>
        new((int)t, 1 / MathF.Sqrt(e), window, slopes.numel() == 0 ? null : TensorMemory.Pointer<float>(slopes), (int)heads, starts);
}
