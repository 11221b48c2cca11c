using Dolmen.Checkpoints;
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
    private Compute(Device device, Precision arithmetic, LayerMath math, bool hasKernels, string reason) =>
        (Device, Arithmetic, Math, HasKernels, Reason) = (device, arithmetic, math, hasKernels, reason);

    /// <summary>Where weights, gradients and the optimizer's state lie.</summary>
    public Device Device { get; }

    /// <summary>How matrices are multiplied; never <see cref="Precision.Auto"/>.</summary>
    public Precision Arithmetic { get; }

    /// <summary>Whether matrices are multiplied as bf16 copies of fp32 weights.</summary>
    public bool BFloat16 => Arithmetic == Precision.BFloat16;

    /// <summary>How layers are computed.</summary>
    public LayerMath Math { get; }

    /// <summary>Whether gradients are summed and weights are stepped by our kernels, which need host memory. Otherwise libtorch's
    /// operations do it, which run wherever the tensors are.</summary>
    public bool HasKernels { get; }

    /// <summary>Why it was chosen, for people.</summary>
    public string Reason { get; }

    /// <summary>What this machine is fastest with on the model's shapes, as far as the recipe leaves it open.</summary>
    public static Compute Choose(Precision precision, ModelConfig model) => Of(ComputePath.Choose(precision, model));

    /// <summary>Our kernels with the arithmetic that was chosen: the one place where the two meet. Sets what libtorch has only once for a
    /// process.</summary>
    /// <exception cref="Artifacts.UserErrorException">This machine cannot compute that way.</exception>
    public static Compute Of(ComputePath path)
    {
        path.Begin();
        return new(CPU, path.Arithmetic, new FusedMath(path.PackedProducts), hasKernels: true, path.Reason);
    }

    /// <summary>Our kernels on the processor, with libtorch's products as it is set.</summary>
    public static Compute Host(bool bfloat16 = false) =>
        new(CPU, bfloat16 ? Precision.BFloat16 : Precision.Float32, new FusedMath(), hasKernels: true, "our kernels");

    /// <summary>Libtorch's operations alone, on any of its devices. On the processor they are the reference our kernels are tested
    /// against; no other device has been tried.</summary>
    public static Compute Torch(bool bfloat16 = false, Device? device = null) =>
        new(
            device ?? CPU,
            bfloat16 ? Precision.BFloat16 : Precision.Float32,
            new PlainMath(),
            hasKernels: false,
            "libtorch's operations"
        );
}
