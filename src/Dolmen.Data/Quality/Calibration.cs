namespace Dolmen.Data.Quality;

/// <summary>A logit to a probability that means what it says (Platt 1999, fitted by Newton's method as Lin, Lin and Weng 2007
/// do).</summary>
internal readonly record struct Calibration(double Slope, double Intercept)
{
    private const int MaxSteps = 100;
    private const double Ridge = 1e-12;

    public static readonly Calibration None = new(1, 0);

    public double Probability(double logit) => Sigmoid((Slope * logit) + Intercept);

    public static double Sigmoid(double value) => value >= 0 ? 1 / (1 + Math.Exp(-value)) : Math.Exp(value) / (1 + Math.Exp(value));

    /// <param name="weights">What each example counts for.</param>
    public static Calibration Fit(ReadOnlySpan<double> logits, ReadOnlySpan<bool> good, ReadOnlySpan<double> weights)
    {
        double goods = 0, bads = 0;
        for (var i = 0; i < logits.Length; i++)
        {
            if (good[i]) goods += weights[i];
            else bads += weights[i];
        }
        // Platt's targets: no finite set of examples makes anything certain.
        var (high, low) = ((goods + 1) / (goods + 2), 1 / (bads + 2));
        var (slope, intercept) = (1.0, 0.0);
        var loss = Loss(logits, good, weights, high, low, slope, intercept);
        for (var step = 0; step < MaxSteps; step++)
        {
            double g0 = 0, g1 = 0, h00 = Ridge, h01 = 0, h11 = Ridge;
            for (var i = 0; i < logits.Length; i++)
            {
                var p = Sigmoid((slope * logits[i]) + intercept);
                var error = weights[i] * (p - (good[i] ? high : low));
                var curve = weights[i] * p * (1 - p);
                g0 += error * logits[i];
                g1 += error;
                h00 += curve * logits[i] * logits[i];
                h01 += curve * logits[i];
                h11 += curve;
            }
            if (Math.Abs(g0) < 1e-9 && Math.Abs(g1) < 1e-9) break;
            var determinant = (h00 * h11) - (h01 * h01);
            if (!(determinant > 0)) break;
            var (d0, d1) = (((h11 * g0) - (h01 * g1)) / determinant, ((h00 * g1) - (h01 * g0)) / determinant);
            var length = 1.0;
            for (; length > 1e-10; length /= 2)
            {
                var tried = Loss(logits, good, weights, high, low, slope - (length * d0), intercept - (length * d1));
                if (!(tried < loss)) continue;
                (slope, intercept, loss) = (slope - (length * d0), intercept - (length * d1), tried);
                break;
            }
            if (length <= 1e-10) break;
        }
        return new Calibration(slope, intercept);
    }

    private static double Loss(
        ReadOnlySpan<double> logits,
        ReadOnlySpan<bool> good,
        ReadOnlySpan<double> weights,
        double high,
        double low,
        double slope,
        double intercept
    )
    {
        double loss = 0;
        for (var i = 0; i < logits.Length; i++)
        {
            var z = (slope * logits[i]) + intercept;
            // -(t ln p + (1 - t) ln(1 - p)) without overflow.
            loss += weights[i] * (Math.Max(z, 0) - (z * (good[i] ? high : low)) + Math.Log(1 + Math.Exp(-Math.Abs(z))));
        }
        return loss;
    }
}
