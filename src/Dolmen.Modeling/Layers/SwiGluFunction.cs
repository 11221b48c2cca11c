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
        BackwardGuard.Begin(ctx);
        var gateUp = ((Tensor)vars[0]).contiguous();
        ctx.save_for_backward([gateUp]);
        return Outputs(gateUp);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) =>
        BackwardGuard.Run(ctx, 1, [grad_output], saved => [InputGradient(saved[0], grad_output.contiguous())]);

    /// <summary>gateUp (…, 2F) → (…, F).</summary>
    public static Tensor Outputs(Tensor gateUp)
    {
        var f = (int)gateUp.shape[^1] / 2;
        var rows = gateUp.numel() / (2 * f);
        var y = empty([.. gateUp.shape[..^1], f], gateUp.dtype);                // (…, F)
        if (gateUp.dtype is ScalarType.BFloat16)
            SwiGluKernel.Forward(TensorMemory.Pointer<Bf16>(gateUp), TensorMemory.Pointer<Bf16>(y), rows, f);
        else
            SwiGluKernel.Forward(TensorMemory.Pointer<float>(gateUp), TensorMemory.Pointer<float>(y), rows, f);
        return y;
    }

    /// <summary>gateUp (…, 2F), dy (…, F) → (…, 2F).</summary>
    public static Tensor InputGradient(Tensor gateUp, Tensor dy)
    {
        var f = (int)gateUp.shape[^1] / 2;
        var rows = gateUp.numel() / (2 * f);
        var dGateUp = empty_like(gateUp);                                       // (…, 2F)
        if (gateUp.dtype is ScalarType.BFloat16) Run<Bf16>(gateUp, dy, dGateUp, rows, f);
        else Run<float>(gateUp, dy, dGateUp, rows, f);
        return dGateUp;
    }

    private static void Run<E>(Tensor gateUp, Tensor dy, Tensor dGateUp, long rows, int f) where E : unmanaged =>
        SwiGluKernel.Backward(TensorMemory.Pointer<E>(gateUp), TensorMemory.Pointer<E>(dy), TensorMemory.Pointer<E>(dGateUp), rows, f);
}
