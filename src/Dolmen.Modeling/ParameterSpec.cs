using Dolmen.Artifacts;

namespace Dolmen.Modeling;

/// <summary>What a parameter is. The optimizer gives each group its learning rate and weight decay; the first three are kept with a bf16
/// copy to compute with where the model computes in bf16, the others in fp32 alone.</summary>
public enum ParameterGroup
{
    /// <summary>Tables of tokens or positions. A table that is tied to the head is an embedding.</summary>
    Embedding,

    /// <summary>The projection onto the vocabulary, or onto classes.</summary>
    Head,

    /// <summary>Matrices between hidden states.</summary>
    Matrix,

    /// <summary>Norms, biases, convolutions, decay rates.</summary>
    Vector,

    /// <summary>Parameters of a structured state space, which learn slowly (Gu et al. 2022).</summary>
    StateSpace,
}

/// <summary>Fills a parameter at its start from a stream of random numbers.</summary>
public delegate void Initializer(Span<float> weights, ref StableRandom random);

/// <summary>One trained tensor.</summary>
/// <param name="StackedRows">Rows of each of the matrices that lie on top of each other in this one (queries, keys, values); null where it
/// is one matrix. An optimizer of whole matrices takes them one by one.</param>
public sealed record ParameterSpec(
    string Name,
    long[] Shape,
    ParameterGroup Group,
    Initializer Start,
    IReadOnlyList<long>? StackedRows = null
)
{
    public long Elements => Shape.Aggregate(1L, (product, size) => checked(product * size));
}

public static class Initializers
{
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
