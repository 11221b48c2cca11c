// N rows, D model
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>apply(x (…, D), gate (…, D), weight (D) fp32, double epsilon) → (…, D).</summary>
internal sealed unsafe class GatedRmsNormFunction : autograd.SingleTensorFunction<GatedRmsNormFunction>
{
    public override string Name => "gated_rms_norm";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (x, gate, weight, epsilon) = (
            ((Tensor)vars[0]).contiguous(),
            ((Tensor)vars[1]).contiguous(),
            (Tensor)vars[2],
            (float)(double)vars[3]
        );
        var d = (int)x.shape[^1];
        var rows = x.numel() / d;
        var y = empty_like(x);
        var scales = empty(rows);                                               // (N) fp32
        float* w = TensorMemory.Pointer<float>(weight), s = TensorMemory.Pointer<float>(scales);
        if (x.dtype is ScalarType.BFloat16)
            GatedRmsNormKernel.Forward(
                TensorMemory.Pointer<Bf16>(x),
                TensorMemory.Pointer<Bf16>(gate),
                w,
                TensorMemory.Pointer<Bf16>(y),
                s,
                rows,
                d,
                epsilon
            );
        else
            GatedRmsNormKernel.Forward(
                TensorMemory.Pointer<float>(x),
                TensorMemory.Pointer<float>(gate),
                w,
                TensorMemory.Pointer<float>(y),
                s,
                rows,
                d,
                epsilon
            );
        ctx.save_for_backward([x, gate, weight, scales]);
        return y;
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        return BackwardGuard.Run(ctx, 4, [grad_output], saved =>
        {
            var (x, dy) = (saved[0], grad_output.contiguous());
            List<Tensor> gradients = [empty_like(x), empty_like(x), empty_like(saved[2])];
            if (x.dtype is ScalarType.BFloat16) Backward<Bf16>(saved, dy, gradients);
            else Backward<float>(saved, dy, gradients);
            return [.. gradients, null];
        });
    }

    private static void Backward<E>(List<Tensor> saved, Tensor dy, List<Tensor> gradients) where E : unmanaged
    {
        var d = (int)dy.shape[^1];
        E* x = TensorMemory.Pointer<E>(saved[0]),
            gate = TensorMemory.Pointer<E>(saved[1]),
            flow = TensorMemory.Pointer<E>(dy);
        E* dx = TensorMemory.Pointer<E>(gradients[0]),
            dGate = TensorMemory.Pointer<E>(gradients[1]);
        float* weight = TensorMemory.Pointer<float>(saved[2]),
            scales = TensorMemory.Pointer<float>(saved[3]),
            dWeight = TensorMemory.Pointer<float>(gradients[2]);
        GatedRmsNormKernel.Backward(x, gate, weight, flow, scales, dx, dGate, dWeight, dy.numel() / d, d);
    }
}
