// N rows, F feed-forward
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>apply(gateUp (…, 2F)) → (…, F).</summary>
internal sealed unsafe class SwiGluFunction : autograd.SingleTensorFunction<SwiGluFunction>
{
    public override string Name => "swiglu";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var gateUp = ((Tensor)vars[0]).contiguous();
        var f = (int)gateUp.shape[^1] / 2;
        var rows = gateUp.numel() / (2 * f);
        var y = empty([.. gateUp.shape[..^1], f], gateUp.dtype); // (…, F)
        if (gateUp.dtype is ScalarType.BFloat16)
            SwiGluKernel.Forward(TensorMemory.Pointer<Bf16>(gateUp), TensorMemory.Pointer<Bf16>(y), rows, f);
        else
            SwiGluKernel.Forward(TensorMemory.Pointer<float>(gateUp), TensorMemory.Pointer<float>(y), rows, f);
        ctx.save_for_backward([gateUp]);
        return y;
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        return BackwardGuard.Run(
            ctx,
            1,
            [grad_output],
            saved =>
            {
                var gateUp = saved[0];
                var dy = grad_output.contiguous();
                var f = (int)gateUp.shape[^1] / 2;
                var rows = gateUp.numel() / (2 * f);
                var dGateUp = empty_like(gateUp);
                if (gateUp.dtype is ScalarType.BFloat16)
                    SwiGluKernel.Backward(
                        TensorMemory.Pointer<Bf16>(gateUp),
                        TensorMemory.Pointer<Bf16>(dy),
                        TensorMemory.Pointer<Bf16>(dGateUp),
                        rows,
                        f
                    );
                else
                    SwiGluKernel.Backward(
                        TensorMemory.Pointer<float>(gateUp),
                        TensorMemory.Pointer<float>(dy),
                        TensorMemory.Pointer<float>(dGateUp),
                        rows,
                        f
                    );
                return [dGateUp];
            }
        );
    }
}
