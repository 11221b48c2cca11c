using System.Numerics;
using System.Runtime.InteropServices;
using Dolmen.Artifacts;

namespace Dolmen.Checkpoints;

/// <summary>Weights that are NaN or infinite: a training run that diverged, or a spoilt file. Everything computed with them is NaN
/// too.</summary>
public static class FiniteWeights
{
    public static int CountOthers(ReadOnlySpan<float> values)
    {
        // Any number times zero is zero, except NaN and the infinities: one pass over vectors tells whether to count at all.
        var sum = Vector<float>.Zero;
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        foreach (var vector in vectors) sum += vector * Vector<float>.Zero;
        var rest = values[(vectors.Length * Vector<float>.Count)..];
        if (Vector.Sum(sum) == 0 && AllFinite(rest)) return 0;
        var count = 0;
        foreach (var value in values)
        {
            if (!float.IsFinite(value)) count++;
        }
        return count;
    }

    /// <exception cref="UserErrorException">Some are not finite: which tensor, how many.</exception>
    public static void Require(string source, string tensor, ReadOnlySpan<float> values)
    {
        if (CountOthers(values) is var count and > 0)
        {
            throw new UserErrorException(
                $"'{source}': tensor '{tensor}' holds {count} values of {values.Length} that are NaN or infinite: with "
                    + "them every result is NaN. The model diverged in training or the file is spoilt: take an earlier checkpoint or fetch "
                    + "it again."
            );
        }
    }

    private static bool AllFinite(ReadOnlySpan<float> values)
    {
        foreach (var value in values)
        {
            if (!float.IsFinite(value)) return false;
        }
        return true;
    }
}
