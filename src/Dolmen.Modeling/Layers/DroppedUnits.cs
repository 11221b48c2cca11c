using Dolmen.Artifacts;
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>The dropouts of one forward pass: each place has a seed of its own, in the order of the calls.</summary>
internal sealed class DroppedUnits(double share, long seed)
{
    private StableRandom _seeds = new((ulong)seed);

    /// <summary>Null where nothing is left out.</summary>
    public static DroppedUnits? Of(double share, long? seed) => seed is { } given && share > 0 ? new DroppedUnits(share, given) : null;

    public Tensor Apply(Tensor x) => DropoutFunction.apply(x, share, _seeds.NextUInt64());
}

/// <summary>apply(x (…), double share, ulong seed) → (…).</summary>
internal sealed unsafe class DropoutFunction : autograd.SingleTensorFunction<DropoutFunction>
{
    public override string Name => "dropout";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (share, seed) = ((double)vars[1], (ulong)vars[2]);
        ctx.save_data("share", share);
        ctx.save_data("seed", seed);
        return Run(((Tensor)vars[0]).contiguous(), share, seed);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var (share, seed) = ((double)ctx.get_data("share"), (ulong)ctx.get_data("seed"));
        return BackwardGuard.Run(ctx, 3, [grad_output], _ => [Run(grad_output.contiguous(), share, seed), null, null]);
    }

    private static Tensor Run(Tensor x, double share, ulong seed)
    {
        var y = empty_like(x);
        if (x.dtype is ScalarType.BFloat16)
            DropoutKernel.Apply(TensorMemory.Pointer<Bf16>(x), TensorMemory.Pointer<Bf16>(y), x.numel(), share, seed);
        else
            DropoutKernel.Apply(TensorMemory.Pointer<float>(x), TensorMemory.Pointer<float>(y), x.numel(), share, seed);
        return y;
    }
}
