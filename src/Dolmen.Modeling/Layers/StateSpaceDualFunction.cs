// B batch, T sequence, H heads, P head dim, G groups, N states
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>apply(x (B, T, H, P), delta (B, T, H) fp32, aLog (H) fp32, b (B, T, G, N), c (B, T, G, N), d (H) fp32,
/// Segments or false) → (B, T, H, P). Besides its inputs it saves one state in <see cref="DualShape.Chunk"/> positions.</summary>
internal sealed unsafe class StateSpaceDualFunction : autograd.SingleTensorFunction<StateSpaceDualFunction>
{
    public override string Name => "state_space_dual";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        List<Tensor> inputs = [.. vars[..6].Cast<Tensor>().Select(input => input.contiguous())];
        var shape = ShapeOf(inputs, vars[6] as Segments);
        var y = empty_like(inputs[0]);
        var kept = empty(shape.KeptStates); // (B, chunks, H, P, N) fp32, in the kernel's order
        if (y.dtype is ScalarType.BFloat16)
            StateSpaceDualKernel.Forward(Arrays<Bf16>(inputs), TensorMemory.Pointer<Bf16>(y), TensorMemory.Pointer<float>(kept), shape);
        else
            StateSpaceDualKernel.Forward(Arrays<float>(inputs), TensorMemory.Pointer<float>(y), TensorMemory.Pointer<float>(kept), shape);
        ctx.save_for_backward([.. inputs, kept]);
        ctx.save_data("segments", vars[6]);
        return y;
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var segments = ctx.get_data("segments") as Segments;
        return BackwardGuard.Run(
            ctx,
            7,
            [grad_output],
            saved =>
            {
                var (inputs, kept, dy) = (saved[..^1], saved[^1], grad_output.contiguous());
                List<Tensor> gradients = [.. inputs.Select(input => empty_like(input))];
                var shape = ShapeOf(inputs, segments);
                var states = TensorMemory.Pointer<float>(kept);
                if (dy.dtype is ScalarType.BFloat16)
                    StateSpaceDualKernel.Backward(
                        Arrays<Bf16>(inputs),
                        states,
                        TensorMemory.Pointer<Bf16>(dy),
                        Arrays<Bf16>(gradients),
                        shape
                    );
                else
                    StateSpaceDualKernel.Backward(
                        Arrays<float>(inputs),
                        states,
                        TensorMemory.Pointer<float>(dy),
                        Arrays<float>(gradients),
                        shape
                    );
                return [.. gradients, null];
            }
        );
    }

    private static DualShape ShapeOf(List<Tensor> inputs, Segments? segments)
    {
        var (x, b) = (inputs[0].shape, inputs[3].shape);
        return new((int)x[0], (int)x[1], (int)x[2], (int)x[3], (int)b[2], (int)b[3], segments);
    }

    private static DualArrays<E> Arrays<E>(List<Tensor> tensors) where E : unmanaged => new()
    {
        X = TensorMemory.Pointer<E>(tensors[0]),
        Delta = TensorMemory.Pointer<float>(tensors[1]),
        ALog = TensorMemory.Pointer<float>(tensors[2]),
        B = TensorMemory.Pointer<E>(tensors[3]),
        C = TensorMemory.Pointer<E>(tensors[4]),
        D = TensorMemory.Pointer<float>(tensors[5]),
    };
}
