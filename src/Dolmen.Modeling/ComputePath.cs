using System.Runtime.Intrinsics.X86;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling;

/// <summary>The arithmetic of matrix products. Master weights, gradients and sums are fp32 in all of them.</summary>
public enum Precision
{
    /// <summary>The fastest of the others on this machine, found by measuring; a resumed run keeps what it began with.</summary>
    Auto,

    /// <summary>fp32 as libtorch multiplies by default (MKL on x64).</summary>
    Float32,

    /// <summary>bf16 copies of weights and activations, through oneDNN.</summary>
    BFloat16,

    /// <summary>fp32 through oneDNN, which may round factors to bf16 where the processor multiplies those faster.</summary>
    Float32OneDnn,

    /// <summary>fp32 by Dolmen's own products. They give the same bits on every processor and with any number of threads.</summary>
    Float32Packed,
}

/// <summary>How this machine will compute, and why. Printed once at the start of a run.</summary>
/// <param name="Arithmetic">Never <see cref="Precision.Auto"/>.</param>
public sealed record ComputePath(Precision Arithmetic, string Reason)
{
    /// <summary>Whether the processor multiplies bf16 natively. Elsewhere libtorch emulates it at a tenth of fp32's rate.</summary>
    public static bool HasNativeBFloat16 { get; } = DetectBFloat16();

    public bool BFloat16 => Arithmetic == Precision.BFloat16;

    public bool PackedProducts => Arithmetic == Precision.Float32Packed;

    /// <summary>The candidates of <see cref="Precision.Auto"/> on this machine.</summary>
    public static IReadOnlyList<Precision> Candidates { get; } =
    [
        Precision.Float32, Precision.Float32Packed,
        .. LibtorchSettings.CanSetOneDnnProducts ? (Precision[])[Precision.Float32OneDnn] : [],
        .. HasNativeBFloat16 ? (Precision[])[Precision.BFloat16] : [],
    ];

    /// <param name="model">Its shapes are measured where the recipe leaves the choice open.</param>
    public static ComputePath Choose(Precision precision, ModelConfig model) => precision switch
    {
        Precision.Auto => Of(ArithmeticChoice.For(model)),
        Precision.BFloat16 when !HasNativeBFloat16 => new(precision,
            "bf16, as the recipe asks, though the processor emulates it: training.precision=float32Packed is faster here"),
        _ => new(precision, $"{Name(precision)}, as the recipe asks"),
    };

    private static ComputePath Of(ArithmeticChoice choice) => new(choice.Fastest, $"{Name(choice.Fastest)}; {choice.Reason}");

    public static string Name(Precision precision) => precision switch
    {
        Precision.Float32 => "fp32 products of libtorch",
        Precision.Float32OneDnn => "fp32 products of oneDNN",
        Precision.Float32Packed => "fp32 products of Dolmen's own",
        Precision.BFloat16 => "bf16 matrix products with fp32 master weights",
        _ => "the arithmetic that is measured to be fastest",
    };

    /// <summary>Sets what is set for the whole process.</summary>
    /// <exception cref="UserErrorException">This machine cannot compute that way.</exception>
    internal void Begin()
    {
        var oneDnn = Arithmetic == Precision.Float32OneDnn;
        if (LibtorchSettings.CanSetOneDnnProducts) LibtorchSettings.TrySetOneDnnProducts(oneDnn);
        else if (oneDnn)
        {
            throw new UserErrorException(
                "training.precision is float32OneDnn, but this build of libtorch does not let its fp32 products be "
                    + "switched to oneDNN. Take float32Packed or float32; a run that began with another arithmetic must begin anew."
            );
        }
    }

    // CPUID leaf 7: subleaf 1 EAX bit 5 is AVX512_BF16; subleaf 0 EDX bits 22 and 24 are AMX-BF16 and AMX-TILE.
    private static bool DetectBFloat16()
    {
        if (!X86Base.IsSupported || X86Base.CpuId(0, 0).Eax < 7) return false;
        var (subleaves, _, _, edx) = X86Base.CpuId(7, 0);
        var avx512 = Avx512F.IsSupported && subleaves >= 1 && (X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0;
        var amx = (edx & (1 << 22)) != 0 && (edx & (1 << 24)) != 0;
        return avx512 || amx;
    }
}
