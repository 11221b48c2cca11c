using Dolmen.Artifacts;

namespace Dolmen.Data.Quality;

/// <summary>Logistic regression by FTRL-Proximal (McMahan et al. 2013, algorithm 1): a step size of its own for every weight, and weights
/// that never earn their keep stay exactly zero. One thread, one order: the same bits every time.</summary>
internal static class FtrlRegression
{
    private const double Beta = 1;

    /// <param name="examples">Features sorted, with repeats; each counts 1 over the root of their number, as in scoring.</param>
    public static float[] Train(
        (int[] Features, bool Good, double Weight)[] examples,
        QualitySettings settings,
        ulong seed,
        out double bias,
        Action<int> epochDone,
        CancellationToken stop
    )
    {
        var weights = new float[1 << settings.Bits];
        var pulls = new float[weights.Length];                          // z
        var squares = new float[weights.Length];                        // n
        var random = new StableRandom(seed);
        var order = new int[examples.Length];
        for (var i = 0; i < order.Length; i++) order[i] = i;
        double offset = 0, offsetSquares = 0;
        for (var epoch = 0; epoch < settings.Epochs; epoch++)
        {
            random.Shuffle(order.AsSpan());
            foreach (var i in order)
            {
                stop.ThrowIfCancellationRequested();
                var (features, good, weight) = examples[i];
                if (features.Length == 0) continue;
                var scale = 1 / Math.Sqrt(features.Length);
                double sum = 0;
                foreach (var feature in features) sum += weights[feature];
                var error = weight * (Calibration.Sigmoid((sum * scale) + offset) - (good ? 1 : 0));
                Step(features, error * scale, weights, pulls, squares, settings);
                // The bias is not a feature: it is neither pulled to zero nor scaled by the text's length.
                offsetSquares += error * error;
                offset -= settings.LearningRate * error / (Beta + Math.Sqrt(offsetSquares));
            }
            epochDone(epoch + 1);
        }
        bias = offset;
        return weights;
    }

    private static void Step(int[] features, double error, float[] weights, float[] pulls, float[] squares, QualitySettings settings)
    {
        for (var at = 0; at < features.Length;)
        {
            var feature = features[at];
            var count = 1;
            while (at + count < features.Length && features[at + count] == feature) count++;
            at += count;
            var slope = error * count;
            double square = squares[feature], next = square + (slope * slope);
            var pull = pulls[feature] + slope - ((Math.Sqrt(next) - Math.Sqrt(square)) / settings.LearningRate * weights[feature]);
            squares[feature] = (float)next;
            pulls[feature] = (float)pull;
            weights[feature] = Math.Abs(pull) <= settings.L1 ? 0
                : (float)(-(pull - (Math.Sign(pull) * settings.L1)) / (((Beta + Math.Sqrt(next)) / settings.LearningRate) + settings.L2));
        }
    }
}
