using System.Numerics;

namespace Dolmen.Evaluation;

internal static class ArgMax
{
    /// <summary>Index of the greatest value, the first of equals as in NumPy.</summary>
    public static int Of<T>(ReadOnlySpan<T> values) where T : INumber<T>
    {
        var best = 0;
        for (var i = 1; i < values.Length; i++)
        {
            if (values[i] > values[best]) best = i;
        }
        return best;
    }
}
