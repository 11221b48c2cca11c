using System.Runtime.CompilerServices;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

/// <summary>Leaves out a share of the elements and enlarges the others (Srivastava et al. 2014). Whether an element stays is a hash of the
/// seed and its index: nothing is kept for the way back, and no other draw of the process has a say.</summary>
internal static unsafe class DropoutKernel
{
    private const long Grain = 1 << 12;

    /// <summary>Elements that share one hash of 64 bits, 16 bits each.</summary>
    private const int Group = 4;

    public static void Apply<E>(E* x, E* y, long count, double share, ulong seed)
        where E : unmanaged =>
        OpenMpTeam.RunChunks(
            (count + Group - 1) / Group,
            Grain,
            (start, end) => ApplyGroups(x, y, count, (uint)(share * 65536), (float)(1 / (1 - share)), seed, start, end)
        );

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ApplyGroups<E>(E* x, E* y, long count, uint threshold, float scale, ulong seed, long start, long end)
        where E : unmanaged
    {
        for (var group = start; group < end; group++)
        {
            var bits = Hash(seed, (ulong)group);
            var last = Math.Min(count, (group + 1) * Group);
            for (var i = group * Group; i < last; i++, bits >>= 16)
            {
                var value = (bits & 0xFFFF) < threshold ? 0 : scale * Lanes.ToSingle(x[i]);
                if (typeof(E) == typeof(float)) ((float*)y)[i] = value;
                else ((Bf16*)y)[i] = (Bf16)value;
            }
        }
    }

    /// <summary>The finalizer of SplitMix64 (Steele, Lea, Flood 2014) at the group's place in the seed's sequence.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Hash(ulong seed, ulong group)
    {
        unchecked
        {
            var z = seed + (group + 1) * 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }
}
