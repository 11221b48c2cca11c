namespace Dolmen.Checkpoints;

/// <summary>How attention knows where a token stands. Learned positions belong to the embedding, see <see cref="DecoderPlan"/>.</summary>
public abstract record PositionSpec;

/// <summary>None: what recurrent layers below have put into the stream must do (Jamba; Kazemnejad et al. 2023).</summary>
public sealed record NoPosition : PositionSpec;

/// <summary>Scores of head h minus slope·distance (Press et al. 2022).</summary>
public sealed record AlibiPosition : PositionSpec
{
    /// <summary>2^(−8(h+1)/H) for a power of two; the paper's interleaving otherwise.</summary>
    public static float[] Slopes(int heads)
    {
        var whole = 1;
        while (whole * 2 <= heads) whole *= 2;
        var slopes = new float[heads];
        for (var h = 0; h < heads; h++)
        {
            slopes[h] = h < whole
                ? (float)Math.Pow(2, -8.0 * (h + 1) / whole)
                : (float)Math.Pow(2, -4.0 * (2 * (h - whole) + 1) / whole);
        }
        return slopes;
    }
}

/// <summary>Pairs (i, i + E/2) turned by position·θ^(−2i/E) (Su et al. 2021), in the half-split layout of Hugging Face.</summary>
public sealed record RotaryPosition(double Theta, RotaryScaling? Scaling = null) : PositionSpec
{
    /// <summary>Radians a position turns pair i, for each of the E/2 pairs.</summary>
    /// <param name="length">Tokens of the sequence, which some scalings look at.</param>
    public double[] Frequencies(int headDim, int length = 0)
    {
        var frequencies = new double[headDim / 2];
        for (var i = 0; i < frequencies.Length; i++) frequencies[i] = Math.Pow(Theta, -2.0 * i / headDim);
        Scaling?.Apply(frequencies, Theta, headDim, length);
        return frequencies;
    }

    /// <summary>Sequences whose lengths give the same number turn by the same frequencies; 0 is that of short ones.</summary>
    public int TableOf(int length) => Scaling?.TableOf(length) ?? 0;

    /// <summary>Both cosine and sine are multiplied by this (the temperature of YaRN and LongRoPE).</summary>
    public double Magnitude => Scaling?.Magnitude ?? 1;
}
