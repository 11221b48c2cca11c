using Dolmen.Artifacts;

namespace Dolmen.Modeling;

/// <summary>Fills a parameter at its start from a stream of random numbers.</summary>
public delegate void Initializer(Span<float> weights, ref StableRandom random);

/// <summary>
/// What parameters start as, in one place; the group of each decides how it is stepped (<see cref="ParameterGroup"/>):
/// <code>
/// tables of tokens and positions, head          Hidden              N(0, 0.02)
/// matrices of attention and feed-forward        Hidden              N(0, 0.02)
/// matrices back into the residual stream        Residual            N(0, 0.02/√parts), parts = mixers and feed-forwards of the model
/// matrices of state-space layers                LikeTorch           U(±1/√inputs)
/// depthwise convolutions                        Uniform             U(±1/√width)
/// norms and skips; biases                       Constant            1; 0
/// A of Mamba, step sizes of Mamba, of S4        LogOfIndex, InverseSoftplus, LogUniform
/// A, B of S4 and H3                             in their mixers     HiPPO, its diagonal, a shift
/// encoder–decoders, heads of classes, rewards   in their files      scaled by their own inputs
/// </code>
/// </summary>
public static class Initializers
{
    private const double Deviation = 0.02;

    /// <summary>GPT-2's (Radford et al. 2019): for what is followed by a norm, the size matters little.</summary>
    public static Initializer Hidden { get; } = Normal(Deviation);

    /// <summary>Smaller by the root of how many of them add up in the residual stream (GPT-2), so that the stream's deviation does not
    /// grow with depth.</summary>
    public static Initializer Residual(int parts) => Normal(Deviation / Math.Sqrt(parts));

    public static Initializer Normal(double std) => (weights, ref random) =>
    {
        foreach (ref var weight in weights) weight = (float)(std * random.NextNormal());
    };

    /// <summary>Uniform in [−bound, bound].</summary>
    public static Initializer Uniform(double bound) => (weights, ref random) =>
    {
        foreach (ref var weight in weights) weight = (float)(bound * (2 * random.NextDouble() - 1));
    };

    /// <summary>Uniform within 1/√inputs, as torch's linear layers start.</summary>
    public static Initializer LikeTorch(Checkpoints.LinearSpec linear) => Uniform(1 / Math.Sqrt(linear.Inputs));

    public static Initializer Constant(float value) => (weights, ref _) => weights.Fill(value);

    /// <summary>Each row counts 1, 2, … in logarithm: A_log of Mamba, so that A = −1, −2, … (S4D-Real).</summary>
    public static Initializer LogOfIndex(int columns) => (weights, ref _) =>
    {
        for (var i = 0; i < weights.Length; i++) weights[i] = (float)Math.Log(i % columns + 1);
    };

    /// <summary>Biases whose softplus is log-uniform in [low, high], at least <paramref name="floor"/>: the step sizes of Mamba.</summary>
    public static Initializer InverseSoftplus(double low, double high, double floor) => (weights, ref random) =>
    {
        foreach (ref var weight in weights)
        {
            var step = Math.Max(floor, Math.Exp(Math.Log(low) + random.NextDouble() * (Math.Log(high) - Math.Log(low))));
            weight = (float)(Math.Log(Math.Exp(step) - 1));
        }
    };

    /// <summary>Logarithms uniform between those of two bounds: the step sizes of S4.</summary>
    public static Initializer LogUniform(double low, double high) => (weights, ref random) =>
    {
        foreach (ref var weight in weights) weight = (float)(Math.Log(low) + random.NextDouble() * (Math.Log(high) - Math.Log(low)));
    };
}
