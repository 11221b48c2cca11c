namespace Dolmen.Checkpoints.Gguf;

/// <summary>Llama 3's positions as llama.cpp's files hold them: what each pair's frequency is divided by, and back to the rule.</summary>
internal static class Llama3Factors
{
    private const double Tolerance = 1e-5;

    public static float[] Of(RotaryScaling scaling, double theta, int headDim)
    {
        var plain = new RotaryPosition(theta).Frequencies(headDim);
        var scaled = new RotaryPosition(theta, scaling).Frequencies(headDim);
        return [.. plain.Zip(scaled, (from, to) => (float)(from / to))];
    }

    /// <summary>The rule behind the factors; null where they follow another. Contexts and borders that differ by a common ratio are the
    /// same rule, so the published borders (1 and 4 turns) are tried first, with each of the contexts.</summary>
    public static RotaryScaling? Fit(float[] factors, double theta, int headDim, IEnumerable<int> contexts)
    {
        var factor = GgufRotary.Shortest(factors.Max());
        if (factor <= 1 || factors.Min() <= 0) return null;
        if (Follows(new LinearScaling(factor))) return new LinearScaling(factor);
        foreach (var context in contexts.Distinct())
        {
            var published = new Llama3Scaling(factor, 1, 4, context);
            if (Follows(published)) return published;
        }
        var line = Passage(factors, factor, new RotaryPosition(theta).Frequencies(headDim));
        if (line is not ({ } slope, { } offset) || !(slope > 0) || !double.IsFinite(slope)) return null;
        // blend = (context·turns − low) / (high − low), which is slope·turns − offset for any context.
        var original = contexts.First();
        var (width, low) = (original / slope, offset * original / slope);
        var fitted = new Llama3Scaling(factor, low, low + width, original);
        return Follows(fitted) ? fitted : null;

        bool Follows(RotaryScaling scaling) =>
            Of(scaling, theta, headDim).Zip(factors, (ours, theirs) => Math.Abs(ours - theirs) <= Tolerance * theirs).All(close => close);
    }

    /// <summary>Slope and offset of the passage between kept and divided frequencies, as a line over full turns a position.</summary>
    private static (double? Slope, double? Offset) Passage(float[] factors, double factor, double[] frequencies)
    {
        var turns = frequencies.Select(frequency => frequency / (2 * Math.PI)).ToArray();
        var blends = factors.Select(value => (1 / value - 1 / factor) / (1 - 1 / factor)).ToArray();
        var within = Enumerable.Range(0, factors.Length).Where(i => blends[i] is > 1e-5 and < 1 - 1e-5).ToArray();
        var kept = Array.FindLastIndex(blends, blend => blend >= 1 - 1e-5);
        var divided = Array.FindIndex(blends, blend => blend <= 1e-5);
        if (within.Length >= 2)
        {
            var (first, last) = (within[0], within[^1]);
            var slope = (blends[first] - blends[last]) / (turns[first] - turns[last]);
            return (slope, slope * turns[first] - blends[first]);
        }
        if (within is [var only])
        {
            // Steep enough to reach 1 and 0 at the neighbours.
            var up = kept < 0 ? 0 : (1 - blends[only]) / (turns[kept] - turns[only]);
            var down = divided < 0 ? 0 : blends[only] / (turns[only] - turns[divided]);
            var slope = Math.Max(Math.Max(up, down) * 1.001, blends[only] / turns[only]);
            return (slope, slope * turns[only] - blends[only]);
        }
        if (kept < 0 || divided < 0) return (null, null);
        var steep = 2 / (turns[kept] - turns[divided]);
        return (steep, steep * (turns[kept] + turns[divided]) / 2 - 0.5);
    }
}
