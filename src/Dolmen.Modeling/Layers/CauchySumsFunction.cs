// P numerators, H features, N state (one of each conjugate pair), L length, F frequencies (= L/2 + 1)
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>apply(numerators (P, H, N, 2), rates (H, N, 2), long length) → (2, P, H, F); fp32.</summary>
internal sealed unsafe class CauchySumsFunction : autograd.SingleTensorFunction<CauchySumsFunction>
{
    public override string Name => "cauchy_sums";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (numerators, rates, length) = (((Tensor)vars[0]).contiguous(), ((Tensor)vars[1]).contiguous(), (long)vars[2]);
        var shape = new CauchyShape((int)numerators.shape[0], (int)numerators.shape[1], (int)numerators.shape[2], (int)length);
        var sums = empty(2, shape.Numerators, shape.Features, shape.Frequencies); // (2, P, H, F) fp32
        CauchySumsKernel.Forward(
            TensorMemory.Pointer<float>(numerators),
            TensorMemory.Pointer<float>(rates),
            TensorMemory.Pointer<float>(sums),
            shape
        );
        ctx.save_for_backward([numerators, rates]);
        ctx.save_data("length", length);
        return sums;
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var length = (long)ctx.get_data("length");
        return BackwardGuard.Run(ctx, 3, [grad_output], saved =>
        {
            var (numerators, rates, dsums) = (saved[0], saved[1], grad_output.contiguous());
            var shape = new CauchyShape((int)numerators.shape[0], (int)numerators.shape[1], (int)numerators.shape[2], (int)length);
            var (dnumerators, drates) = (empty_like(numerators), empty_like(rates));
            CauchySumsKernel.Backward(
                TensorMemory.Pointer<float>(numerators), TensorMemory.Pointer<float>(rates), TensorMemory.Pointer<float>(dsums),
                TensorMemory.Pointer<float>(dnumerators), TensorMemory.Pointer<float>(drates), shape);
            return [dnumerators, drates, null];
        });
    }
}
