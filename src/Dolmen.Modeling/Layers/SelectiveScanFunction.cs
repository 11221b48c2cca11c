// B batch, T sequence, I inner channels, N states
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>apply(x (B, T, I), delta (B, T, I), aLog (I, N) fp32, b (B, T, N), c (B, T, N), d (I) fp32, gate (B, T, I) or false,
/// Segments or false) → (B, T, I). Besides its inputs it saves one state in <see cref="ScanShape.Chunk"/> positions.</summary>
internal sealed unsafe class SelectiveScanFunction : autograd.SingleTensorFunction<SelectiveScanFunction>
{
    public override string Name => "selective_scan";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        List<Tensor> inputs = [.. vars.OfType<Tensor>().Select(input => input.contiguous())];
        var shape = ShapeOf(inputs, vars[7] as Segments);
        var y = empty_like(inputs[0]);
        var kept = empty(shape.KeptStates); // (B, chunks, I, N) fp32, in the kernel's order
        if (y.dtype is ScalarType.BFloat16)
            SelectiveScanKernel.Forward(Arrays<Bf16>(inputs), TensorMemory.Pointer<Bf16>(y), TensorMemory.Pointer<float>(kept), shape);
        else
            SelectiveScanKernel.Forward(Arrays<float>(inputs), TensorMemory.Pointer<float>(y), TensorMemory.Pointer<float>(kept), shape);
        ctx.save_for_backward([.. inputs, kept]);
        ctx.save_data("segments", vars[7]);
        return y;
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var segments = ctx.get_data("segments") as Segments;
        return BackwardGuard.Run(
            ctx,
            8,
            [grad_output],
            saved =>
            {
                var (inputs, kept, dy) = (saved[..^1], saved[^1], grad_output.contiguous());
                List<Tensor> gradients = [.. inputs.Select(input => empty_like(input))];
                var shape = ShapeOf(inputs, segments);
                var states = TensorMemory.Pointer<float>(kept);
                if (dy.dtype is ScalarType.BFloat16)
                    SelectiveScanKernel.Backward(
                        Arrays<Bf16>(inputs),
                        states,
                        TensorMemory.Pointer<Bf16>(dy),
                        Arrays<Bf16>(gradients),
                        shape
                    );
                else
                    SelectiveScanKernel.Backward(
                        Arrays<float>(inputs),
                        states,
                        TensorMemory.Pointer<float>(dy),
                        Arrays<float>(gradients),
                        shape
                    );
                return [.. gradients, .. new Tensor?[8 - gradients.Count]];
            }
        );
    }

    private static ScanShape ShapeOf(List<Tensor> inputs, Segments? segments) =>
        new((int)inputs[0].shape[0], (int)inputs[0].shape[1], (int)inputs[0].shape[2], (int)inputs[2].shape[1], segments);

    private static ScanArrays<E> Arrays<E>(List<Tensor> tensors) where E : unmanaged => new()
    {
        X = TensorMemory.Pointer<E>(tensors[0]),
        Delta = TensorMemory.Pointer<E>(tensors[1]),
        ALog = TensorMemory.Pointer<float>(tensors[2]),
        B = TensorMemory.Pointer<E>(tensors[3]),
        C = TensorMemory.Pointer<E>(tensors[4]),
        D = TensorMemory.Pointer<float>(tensors[5]),
        Gate = tensors.Count > 6 ? TensorMemory.Pointer<E>(tensors[6]) : null,
    };
}
