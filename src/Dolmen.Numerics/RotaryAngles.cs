namespace Dolmen.Numerics;

// E head dim

/// <summary>Cosines and sines of rotary positions (Su et al. 2021): angle(t, i) = t·frequency(i), in double precision, so that both engines
/// turn a head by the same numbers however far it stands.</summary>
internal static class RotaryAngles
{
    /// <param name="frequencies">Radians a position turns each pair, (E/2).</param>
    /// <param name="magnitude">Multiplies cosines and sines.</param>
    /// <param name="first">Position of the first row.</param>
    /// <param name="rows">(positions, 2, E/2): the cosines of a position, then its sines.</param>
    public static void Fill(ReadOnlySpan<double> frequencies, double magnitude, int first, Span<float> rows)
    {
        var half = frequencies.Length;
        for (var row = 0; row < rows.Length / (2 * half); row++)
        {
            var cosines = rows.Slice(row * 2 * half, half);
            var sines = rows.Slice(row * 2 * half + half, half);
            for (var i = 0; i < half; i++)
            {
                var (sin, cos) = Math.SinCos((first + row) * frequencies[i]);
                (cosines[i], sines[i]) = ((float)(magnitude * cos), (float)(magnitude * sin));
            }
        }
    }
}
