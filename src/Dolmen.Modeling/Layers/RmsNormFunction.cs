// N rows, D model
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>apply(x (…, D), weight (D) fp32, double epsilon) → (…, D).</summary>
internal sealed unsafe class RmsNormFunction : autograd.SingleTensorFunction<RmsNormFunction>
{
    public override string Name => "rms_norm";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        BackwardGuard.Begin(ctx);
        var (x, weight, epsilon) = (((Tensor)vars[0]).contiguous(), (Tensor)vars[1], (float)(double)vars[2]);
        var d = (int)x.shape[^1];
        var rows = x.numel() / d;
        var y = empty_like(x);
        var scales = empty(rows);                                               // (N) fp32
        float* w = TensorMemory.Pointer<float>(weight), s = TensorMemory.Pointer<float>(scales);
        if (x.dtype is ScalarType.BFloat16)
            RmsNormKernel.Forward(TensorMemory.Pointer<Bf16>(x), null, w, null, TensorMemory.Pointer<Bf16>(y), s, rows, d, epsilon);
        else
            RmsNormKernel.Forward(TensorMemory.Pointer<float>(x), null, w, null, TensorMemory.Pointer<float>(y), s, rows, d, epsilon);
        ctx.save_for_backward([x, weight, scales]);
        return y;
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        return BackwardGuard.Run(
            ctx,
            3,
            [grad_output],
            saved =>
            {
                var (x, weight, scales) = (saved[0], saved[1], saved[2]);
                var dy = grad_output.contiguous();
                var d = (int)x.shape[^1];
                var rows = x.numel() / d;
                var (dx, dweight) = (empty_like(x), empty_like(weight));
                float* w = TensorMemory.Pointer<float>(weight),
                    s = TensorMemory.Pointer<float>(scales),
                    dw = TensorMemory.Pointer<float>(dweight);
                if (x.dtype is ScalarType.BFloat16)
                    RmsNormKernel.Backward(
                        TensorMemory.Pointer<Bf16>(x),
                        w,
                        TensorMemory.Pointer<Bf16>(dy),
                        s,
                        null,
                        TensorMemory.Pointer<Bf16>(dx),
                        dw,
                        rows,
                        d
                    );
                else
                    RmsNormKernel.Backward(
                        TensorMemory.Pointer<float>(x),
                        w,
                        TensorMemory.Pointer<float>(dy),
                        s,
                        null,
                        TensorMemory.Pointer<float>(dx),
                        dw,
                        rows,
                        d
                    );
                return [dx, dweight, null];
            }
        );
    }
}
