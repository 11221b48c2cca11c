// B batch, T sequence, H heads, K kv-heads, E head dim
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>apply(qkv (B, T, (H+2K)·E), cosSin (T, 2, E/2) or empty to turn nothing, HeadLayout, Segments or false)
/// → q (B, H, T, E), k (B, K, T, E), v (B, K, T, E). Positions count from the start of a segment.</summary>
internal sealed unsafe class RotaryFunction : autograd.MultiTensorFunction<RotaryFunction>
{
    public override string Name => "rotary";

    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        BackwardGuard.Begin(ctx);
        var (qkv, cosSin, layout) = (((Tensor)vars[0]).contiguous(), (Tensor)vars[1], (HeadLayout)vars[2]);
        ctx.save_for_backward([cosSin]);
        ctx.save_data("layout", layout);
        ctx.save_data("segments", vars[3]);
        return Split(qkv, cosSin, vars[3] as Segments, layout);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
    {
        var (layout, segments) = ((HeadLayout)ctx.get_data("layout"), ctx.get_data("segments") as Segments);
        return BackwardGuard.Run(ctx, 4, grad_outputs, saved => [Merge(grad_outputs, saved[0], segments, layout), null, null, null]);
    }

    /// <summary>qkv, B·T rows of (H+2K)·E → q (B, H, T, E), k and v (B, K, T, E).</summary>
    public static List<Tensor> Split(Tensor qkv, Tensor cosSin, Segments? segments, HeadLayout layout)
    {
        var (b, t, h, k, e) = layout;
        List<Tensor> heads = [empty([b, h, t, e], qkv.dtype), empty([b, k, t, e], qkv.dtype), empty([b, k, t, e], qkv.dtype)];
        Run(qkv, heads, cosSin, segments, layout, back: false);
        return heads;
    }

    /// <summary>The gradients of what <see cref="Split"/> gives → that of qkv (B, T, (H+2K)·E).</summary>
    public static Tensor Merge(IEnumerable<Tensor> gradients, Tensor cosSin, Segments? segments, HeadLayout layout)
    {
        List<Tensor> heads = [.. gradients.Select(gradient => gradient.contiguous())];
        var dqkv = empty([layout.Batch, layout.Length, layout.RowWidth], heads[0].dtype);
        Run(dqkv, heads, cosSin, segments, layout, back: true);
        return dqkv;
    }

    private static void Run(Tensor fused, List<Tensor> heads, Tensor cosSin, Segments? segments, HeadLayout layout, bool back)
    {
        var angles = cosSin.numel() == 0 ? null : TensorMemory.Pointer<float>(cosSin);
        fixed (int* positions = segments?.Positions)
        {
            if (fused.dtype is ScalarType.BFloat16) Run(TensorMemory.Pointer<Bf16>(fused), heads, angles, positions, layout, back);
            else Run(TensorMemory.Pointer<float>(fused), heads, angles, positions, layout, back);
        }
    }

    private static void Run<T>(T* fused, List<Tensor> heads, float* angles, int* positions, HeadLayout layout, bool back)
        where T : unmanaged
    {
        var (q, k, v) = (
            (IntPtr)TensorMemory.Pointer<T>(heads[0]),
            (IntPtr)TensorMemory.Pointer<T>(heads[1]),
            (IntPtr)TensorMemory.Pointer<T>(heads[2])
        );
        if (back)
            RotaryKernel.Merge(fused, (T*)q, (T*)k, (T*)v, angles, positions, layout);
        else
            RotaryKernel.Split(fused, (T*)q, (T*)k, (T*)v, angles, positions, layout);
    }
}
