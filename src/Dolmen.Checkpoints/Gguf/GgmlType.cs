namespace Dolmen.Checkpoints.Gguf;

/// <summary>How a GGUF file stores a tensor's elements; the numbers are the format's.</summary>
public enum GgmlType : uint
{
    F32 = 0, F16 = 1, Q40 = 2, Q41 = 3, Q50 = 6, Q51 = 7, Q80 = 8, Q2K = 10, Q3K = 11, Q4K = 12, Q5K = 13, Q6K = 14,
    Iq4Nl = 20, Iq4Xs = 23, BF16 = 30, Tq10 = 34, Tq20 = 35, Mxfp4 = 39, Nvfp4 = 40,
}

/// <summary>Elements and bytes of one block of each type. A row (the first, fastest dimension) is a whole number of blocks.</summary>
public static class GgmlTypes
{
    /// <summary>Null for a type that is not read here: integers, doubles, and the types that need a codebook of lattice points.</summary>
    public static (int Elements, int Bytes)? Block(GgmlType type) => type switch
    {
        GgmlType.F32 => (1, 4),
        GgmlType.F16 or GgmlType.BF16 => (1, 2),
        GgmlType.Q40 or GgmlType.Iq4Nl => (32, 18),
        GgmlType.Q41 => (32, 20),
        GgmlType.Q50 => (32, 22),
        GgmlType.Q51 => (32, 24),
        GgmlType.Q80 => (32, 34),
        GgmlType.Q2K => (256, 84),
        GgmlType.Q3K => (256, 110),
        GgmlType.Q4K => (256, 144),
        GgmlType.Q5K => (256, 176),
        GgmlType.Q6K => (256, 210),
        GgmlType.Iq4Xs => (256, 136),
        GgmlType.Tq10 => (256, 54),
        GgmlType.Tq20 => (256, 66),
        GgmlType.Mxfp4 => (32, 17),
        GgmlType.Nvfp4 => (64, 36),
        _ => null,
    };

    /// <summary>The types models are written in here.</summary>
    public static IReadOnlyList<GgmlType> Writable { get; } = [GgmlType.F32, GgmlType.F16, GgmlType.BF16, GgmlType.Q80, GgmlType.Q40];

    /// <summary>As llama.cpp spells it.</summary>
    public static string Name(this GgmlType type) => type switch
    {
        GgmlType.Q40 => "Q4_0",
        GgmlType.Q41 => "Q4_1",
        GgmlType.Q50 => "Q5_0",
        GgmlType.Q51 => "Q5_1",
        GgmlType.Q80 => "Q8_0",
        GgmlType.Q2K => "Q2_K",
        GgmlType.Q3K => "Q3_K",
        GgmlType.Q4K => "Q4_K",
        GgmlType.Q5K => "Q5_K",
        GgmlType.Q6K => "Q6_K",
        GgmlType.Iq4Nl => "IQ4_NL",
        GgmlType.Iq4Xs => "IQ4_XS",
        GgmlType.Tq10 => "TQ1_0",
        GgmlType.Tq20 => "TQ2_0",
        GgmlType.Mxfp4 => "MXFP4",
        GgmlType.Nvfp4 => "NVFP4",
        _ => type.ToString(),
    };

    /// <summary>Finds a type by the name llama.cpp gives it, in any case; null where no type has it.</summary>
    public static GgmlType? Named(string name)
    {
        foreach (var type in Enum.GetValues<GgmlType>())
        {
            if (string.Equals(type.Name(), name, StringComparison.OrdinalIgnoreCase)) return type;
        }
        return null;
    }
}
