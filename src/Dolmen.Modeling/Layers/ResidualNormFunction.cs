// N rows, D model
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>
/// apply(x (…, D), delta (…, D), weight (D) fp32, double epsilon, bool wantsSum) → the norm of x + delta (…, D) and, where it is wanted,
/// x + delta (…, D). Both come from one pass over the rows, and so do their gradients: x and delta have the same.
/// </summary>
internal sealed unsafe class ResidualNormFunction : autograd.MultiTensorFunction<ResidualNormFunction>
{
    public override string Name => "residual_norm";

    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        BackwardGuard.Begin(ctx);
        var (x, delta, weight) = (((Tensor)vars[0]).contiguous(), ((Tensor)vars[1]).contiguous(), (Tensor)vars[2]);
        var (epsilon, wantsSum) = ((float)(double)vars[3], (bool)vars[4]);
        var d = (int)x.shape[^1];
        var rows = x.numel() / d;
        Tensor sum = empty_like(x), y = empty_like(x), scales = empty(rows);    // (…, D), (…, D), (N) fp32
        if (x.dtype is ScalarType.BFloat16) Run<Bf16>(x, delta, weight, sum, y, scales, rows, d, epsilon);
        else Run<float>(x, delta, weight, sum, y, scales, rows, d, epsilon);
        // An output would hold itself through what it saves.
        ctx.save_for_backward([wantsSum ? sum.detach() : sum, weight, scales]);
        return wantsSum ? [y, sum] : [y];
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs) =>
        BackwardGuard.Run(ctx, 5, grad_outputs, saved =>
        {
            var (sum, weight, scales) = (saved[0], saved[1], saved[2]);
            var (dy, dSum) = (grad_outputs[0].contiguous(), grad_outputs.Count > 1 ? grad_outputs[1].contiguous() : null);
            var (dx, dWeight) = (empty_like(sum), empty_like(weight));          // (…, D), (D)
            if (sum.dtype is ScalarType.BFloat16) RunBack<Bf16>(sum, weight, dy, scales, dSum, dx, dWeight);
            else RunBack<float>(sum, weight, dy, scales, dSum, dx, dWeight);
            return [dx, dx.alias(), dWeight, null, null];
        });

    private static void Run<E>(Tensor x, Tensor delta, Tensor weight, Tensor sum, Tensor y, Tensor scales, long rows, int d, float epsilon)
        where E : unmanaged =>
        RmsNormKernel.Forward(
            TensorMemory.Pointer<E>(x),
            TensorMemory.Pointer<E>(delta),
            TensorMemory.Pointer<float>(weight),
            TensorMemory.Pointer<E>(sum),
            TensorMemory.Pointer<E>(y),
            TensorMemory.Pointer<float>(scales),
            rows,
            d,
            epsilon
        );

    private static void RunBack<E>(Tensor sum, Tensor weight, Tensor dy, Tensor scales, Tensor? dSum, Tensor dx, Tensor dWeight)
        where E : unmanaged =>
        RmsNormKernel.Backward(
            TensorMemory.Pointer<E>(sum),
            TensorMemory.Pointer<float>(weight),
            TensorMemory.Pointer<E>(dy),
            TensorMemory.Pointer<float>(scales),
            dSum is null ? null : TensorMemory.Pointer<E>(dSum),
            TensorMemory.Pointer<E>(dx),
            TensorMemory.Pointer<float>(dWeight),
            scales.numel(),
            (int)sum.shape[^1]
        );
}
