// B batch, T sequence, I channels, K kernel width
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>apply(x (B, T, I), weight (I, K) fp32, bias (I) fp32 or false, bool silu, Segments or false) → (B, T, I).</summary>
internal sealed unsafe class CausalConvFunction : autograd.SingleTensorFunction<CausalConvFunction>
{
    public override string Name => "causal_conv";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        List<Tensor> inputs = [.. vars.OfType<Tensor>().Select(input => input.contiguous())];
        var (x, silu, segments) = (inputs[0], (bool)vars[3], vars[4] as Segments);
        var shape = ShapeOf(inputs, silu, segments);
        var y = empty_like(x);
        float* weight = TensorMemory.Pointer<float>(inputs[1]), bias = Bias(inputs);
        if (x.dtype is ScalarType.BFloat16)
            CausalConvKernel.Forward(TensorMemory.Pointer<Bf16>(x), weight, bias, TensorMemory.Pointer<Bf16>(y), shape);
        else
            CausalConvKernel.Forward(TensorMemory.Pointer<float>(x), weight, bias, TensorMemory.Pointer<float>(y), shape);
        ctx.save_for_backward(inputs);
        ctx.save_data("silu", silu);
        ctx.save_data("segments", vars[4]);
        return y;
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var (silu, segments) = ((bool)ctx.get_data("silu"), ctx.get_data("segments") as Segments);
        return BackwardGuard.Run(
            ctx,
            5,
            [grad_output],
            inputs =>
            {
                var (x, dy) = (inputs[0], grad_output.contiguous());
                List<Tensor> gradients = [.. inputs.Select(input => empty_like(input))];
                float* weight = TensorMemory.Pointer<float>(inputs[1]),
                    bias = Bias(inputs),
                    dWeight = TensorMemory.Pointer<float>(gradients[1]),
                    dBias = Bias(gradients);
                var (shape, dx) = (ShapeOf(inputs, silu, segments), gradients[0]);
                if (x.dtype is ScalarType.BFloat16)
                    CausalConvKernel.Backward(
                        TensorMemory.Pointer<Bf16>(x),
                        weight,
                        bias,
                        TensorMemory.Pointer<Bf16>(dy),
                        TensorMemory.Pointer<Bf16>(dx),
                        dWeight,
                        dBias,
                        shape
                    );
                else
                    CausalConvKernel.Backward(
                        TensorMemory.Pointer<float>(x),
                        weight,
                        bias,
                        TensorMemory.Pointer<float>(dy),
                        TensorMemory.Pointer<float>(dx),
                        dWeight,
                        dBias,
                        shape
                    );
                return [.. gradients, .. new Tensor?[5 - gradients.Count]];
            }
        );
    }

    private static float* Bias(List<Tensor> tensors) => tensors.Count > 2 ? TensorMemory.Pointer<float>(tensors[2]) : null;

    private static ConvShape ShapeOf(List<Tensor> inputs, bool silu, Segments? segments) =>
        new((int)inputs[0].shape[0], (int)inputs[0].shape[1], (int)inputs[0].shape[2], (int)inputs[1].shape[1], silu, segments);
}
