using System.Runtime.Intrinsics.X86;

namespace Dolmen.Modeling;

/// <summary><see cref="Auto"/>: bf16 matrix products with fp32 master weights where the processor multiplies bf16 natively
/// (AVX-512 BF16 or AMX), fp32 elsewhere.</summary>
public enum Precision { Auto, Float32, BFloat16 }

/// <summary>How this machine will compute, and why. Printed once at the start of a run.</summary>
public sealed record ComputePath(bool BFloat16, string Reason)
{
    /// <summary>Whether the processor multiplies bf16 natively. Elsewhere libtorch emulates it at a tenth of fp32's rate.</summary>
    public static bool HasNativeBFloat16 { get; } = DetectBFloat16();

    public static ComputePath Choose(Precision precision) =>
        (precision, HasNativeBFloat16) switch
        {
            (Precision.Auto, true) => new(true, "bf16 matrix products with fp32 master weights: the processor has AVX-512 BF16 or AMX"),
            (Precision.Auto, false) => new(
                false,
                "fp32: the processor has no native bf16 products, which libtorch would emulate far slower"
            ),
            (Precision.BFloat16, true) => new(true, "bf16 matrix products with fp32 master weights, as the recipe asks"),
            (Precision.BFloat16, false) => new(
                true,
                "bf16, as the recipe asks, though the processor emulates it: training.precision=float32 is faster here"
            ),
            _ => new(false, "fp32, as the recipe asks"),
        };

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
