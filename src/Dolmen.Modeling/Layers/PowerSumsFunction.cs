// C channels, H features, N state (one of each conjugate pair), L length
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>apply(weights (C, H, N, 2), rates (H, N, 2), long length) → (C, H, L); fp32.</summary>
internal sealed unsafe class PowerSumsFunction : autograd.SingleTensorFunction<PowerSumsFunction>
{
    public override string Name => "power_sums";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (weights, rates, length) = (((Tensor)vars[0]).contiguous(), ((Tensor)vars[1]).contiguous(), (long)vars[2]);
        var shape = new PowerSumsShape((int)weights.shape[0], (int)weights.shape[1], (int)weights.shape[2], (int)length);
        var sums = empty(shape.Channels, shape.Features, shape.Length); // (C, H, L) fp32
        PowerSumsKernel.Forward(
            TensorMemory.Pointer<float>(weights),
            TensorMemory.Pointer<float>(rates),
            TensorMemory.Pointer<float>(sums),
            shape
        );
        ctx.save_for_backward([weights, rates]);
        return sums;
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        return BackwardGuard.Run(ctx, 3, [grad_output], saved =>
        {
            var (weights, rates, dsums) = (saved[0], saved[1], grad_output.contiguous());
            var shape = new PowerSumsShape((int)weights.shape[0], (int)weights.shape[1], (int)weights.shape[2], (int)dsums.shape[2]);
            var (dweights, drates) = (empty_like(weights), empty_like(rates));
            PowerSumsKernel.Backward(
                TensorMemory.Pointer<float>(weights), TensorMemory.Pointer<float>(rates), TensorMemory.Pointer<float>(dsums),
                TensorMemory.Pointer<float>(dweights), TensorMemory.Pointer<float>(drates), shape);
            return [dweights, drates, null];
        });
    }
}
