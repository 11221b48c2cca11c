// B batch, T sequence, H heads, K kv-heads, G query heads a kv-head (= H / K), E head dim
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>Causal attention with the whole score matrix in memory. The G query heads of one kv-head are stacked as rows, so that grouping
/// costs no copy.</summary>
/// <param name="Slopes">ALiBi's, (H) fp32; null for none.</param>
/// <param name="Window">Positions a query sees, itself included.</param>
internal sealed record WholeScores(int Heads, Tensor? Slopes, int Window, Segments? Segments)
{
    /// <summary>q (B, H, T, E), k and v (B, K, T, E) → probabilities (B·K, G·T, T) and outputs (B, T, H·E).</summary>
    public (Tensor Probabilities, Tensor Outputs) Forward(Tensor q, Tensor k, Tensor v)
    {
        var (b, t, e, kv) = (q.shape[0], q.shape[2], q.shape[3], k.shape[1]);
        var rows = q.view(b * kv, Heads / kv * t, e);                           // (B·K, G·T, E)
        var (keys, values) = (k.view(b * kv, t, e), v.view(b * kv, t, e));      // (B·K, T, E)
        var p = rows.bmm(keys.transpose(1, 2));                                 // (B·K, G·T, T), scores until the kernel has run
        if (p.dtype is ScalarType.BFloat16) Softmax<Bf16>(p, b * Heads * t, e);
        else Softmax<float>(p, b * Heads * t, e);
        return (p, p.bmm(values).view(b, Heads, t, e).transpose(1, 2).reshape(b, t, Heads * e));       // (B, T, H·E)
    }

    /// <summary>dy (B, T, H·E) → the gradients of q (B, H, T, E), of k and of v (B, K, T, E).</summary>
    public (Tensor Queries, Tensor Keys, Tensor Values) Backward(Tensor q, Tensor k, Tensor v, Tensor p, Tensor dy)
    {
        var (b, t, e, kv) = (q.shape[0], q.shape[2], q.shape[3], k.shape[1]);
        var (stacked, shared) = (b * kv, Heads / kv * t);
        var rows = q.view(stacked, shared, e);                                  // (B·K, G·T, E)
        var (keys, values) = (k.view(stacked, t, e), v.view(stacked, t, e));    // (B·K, T, E)
        var dHeads = dy.view(b, t, Heads, e).transpose(1, 2).reshape(stacked, shared, e);             // (B·K, G·T, E)
        var dValues = p.transpose(1, 2).bmm(dHeads);                            // (B·K, T, E)
        var ds = dHeads.bmm(values.transpose(1, 2));                            // (B·K, G·T, T), dp until the kernel has run
        if (ds.dtype is ScalarType.BFloat16) SoftmaxGradient<Bf16>(p, ds, b * Heads * t, e);
        else SoftmaxGradient<float>(p, ds, b * Heads * t, e);
        var dRows = ds.bmm(keys);                                               // (B·K, G·T, E)
        var dKeys = ds.transpose(1, 2).bmm(rows);                               // (B·K, T, E)
        return (dRows.view(b, Heads, t, e), dKeys.view(b, kv, t, e), dValues.view(b, kv, t, e));
    }

    private unsafe void Softmax<E>(Tensor scores, long rows, long headDim) where E : unmanaged
    {
        fixed (int* starts = Segments?.Starts)
            CausalSoftmaxKernel.Forward(TensorMemory.Pointer<E>(scores), rows, Mask(scores.shape[^1], headDim, starts));
    }

    private unsafe void SoftmaxGradient<E>(Tensor p, Tensor dp, long rows, long headDim) where E : unmanaged
    {
        fixed (int* starts = Segments?.Starts)
        {
            var mask = Mask(p.shape[^1], headDim, starts);
            CausalSoftmaxKernel.Backward(TensorMemory.Pointer<E>(p), TensorMemory.Pointer<E>(dp), rows, mask);
        }
    }

    private unsafe ScoreMask Mask(long t, long headDim, int* starts)
    {
        var slopes = Slopes is null ? null : TensorMemory.Pointer<float>(Slopes);
        return new ScoreMask((int)t, 1 / MathF.Sqrt(headDim), Window, slopes, Heads, starts);
    }
}
