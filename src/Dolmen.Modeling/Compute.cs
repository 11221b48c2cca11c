using Dolmen.Modeling.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling;

/// <summary>
/// Where and how models compute. A command chooses it once, at its top, and hands it down to everything that makes tensors: the model, its
/// gradients, its optimizer and its checkpoints.
/// </summary>
public sealed record Compute
{
    private Compute(Device device, bool bfloat16, LayerMath math, bool hasKernels, string reason) =>
        (Device, BFloat16, Math, HasKernels, Reason) = (device, bfloat16, math, hasKernels, reason);

    /// <summary>Where weights, gradients and the optimizer's state lie.</summary>
    public Device Device { get; }

    /// <summary>Whether matrices are multiplied as bf16 copies of fp32 weights.</summary>
    public bool BFloat16 { get; }

    /// <summary>How layers are computed.</summary>
    public LayerMath Math { get; }

    /// <summary>Whether gradients are summed and weights are stepped by our kernels, which need host memory. Otherwise libtorch's
    /// operations do it, which run wherever the tensors are.</summary>
    public bool HasKernels { get; }

    /// <summary>Why it was chosen, for people.</summary>
    public string Reason { get; }

    /// <summary>What this machine is fastest with, as far as the recipe leaves it open.</summary>
    public static Compute Choose(Precision precision) => Of(ComputePath.Choose(precision));

    /// <summary>Our kernels with the arithmetic that was chosen: the one place where the two meet.</summary>
    public static Compute Of(ComputePath path) => new(CPU, path.BFloat16, new FusedMath(), hasKernels: true, path.Reason);

    /// <summary>Our kernels on the processor.</summary>
    public static Compute Host(bool bfloat16 = false) => new(CPU, bfloat16, new FusedMath(), hasKernels: true, "our kernels");

    /// <summary>Libtorch's operations alone, on any of its devices. On the processor they are the reference our kernels are tested
    /// against; no other device has been tried.</summary>
    public static Compute Torch(bool bfloat16 = false, Device? device = null) =>
        new(device ?? CPU, bfloat16, new PlainMath(), hasKernels: false, "libtorch's operations");
}
