namespace Dolmen.Checkpoints;

/// <summary>One stored tensor of a linear map: <paramref name="Outputs"/> of its rows, and their bias where it has one.</summary>
/// <param name="Stacked">Outputs of each of the maps that upstream keeps in this one tensor (queries, keys and values; a value and its
/// gate); null where the tensor is one map. An optimizer that treats matrices whole takes them one by one.</param>
public sealed record LinearPart(string Weight, int Outputs, string? Bias = null, IReadOnlyList<int>? Stacked = null);

/// <summary>y = x·Wᵀ + b, where W (Outputs, Inputs) may be stored as several tensors stacked by outputs (query, key and value; gate and
/// up): engines compute it as one product.</summary>
/// <param name="Transposed">Stored as (Inputs, Outputs): GPT-2's Conv1D.</param>
public sealed record LinearSpec(int Inputs, IReadOnlyList<LinearPart> Parts, bool Transposed = false)
{
    /// <param name="stacked">See <see cref="LinearPart.Stacked"/>.</param>
    public LinearSpec(
        string weight,
        int outputs,
        int inputs,
        string? bias = null,
        bool transposed = false,
        IReadOnlyList<int>? stacked = null
    )
        : this(inputs, [new LinearPart(weight, outputs, bias, stacked)], transposed) { }

    public int Outputs => Parts.Sum(part => part.Outputs);

    /// <summary>Outputs of each map in the order of the rows, whether it has a tensor of its own or shares one.</summary>
    public IReadOnlyList<int> Maps => [.. Parts.SelectMany(part => part.Stacked ?? [part.Outputs])];

    /// <summary>What an engine may call the stacked map: the name of its first tensor.</summary>
    public string Name => Parts[0].Weight;

    public bool HasBias => Parts[0].Bias is not null;

    public double ForwardFlops => 2.0 * Inputs * Outputs;

    public IEnumerable<TensorShape> Tensors()
    {
        foreach (var part in Parts)
        {
            yield return new(part.Weight, Transposed ? [Inputs, part.Outputs] : [part.Outputs, Inputs]);
            if (part.Bias is not null) yield return new(part.Bias, [part.Outputs]);
        }
    }
}
