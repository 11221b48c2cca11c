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

    /// <summary>Tables of which a step meets few rows: n-grams. Only those rows are stepped.</summary>
    Table,
}

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
