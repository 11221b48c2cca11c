// D inputs, N outputs
using Dolmen.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Modeling;

/// <summary>Where an exported tensor lies: our parameter, the element it starts at, and its width where it is stored transposed.</summary>
public readonly record struct StoredTensor(string Parameter, long Start, long TransposedColumns = 0);

/// <summary>The parameters of a model, and which exported tensor is which part of them. Parts of a model declare theirs here.</summary>
public sealed class WeightLayout
{
    private readonly Dictionary<string, StoredTensor> _stored = new(StringComparer.Ordinal);
    private readonly List<ParameterSpec> _specs = [];

    public IReadOnlyList<ParameterSpec> Specs => _specs;

    public StoredTensor this[string exported] => _stored.TryGetValue(exported, out var stored)
        ? stored : throw new ArgumentException($"The model has no tensor '{exported}'.", nameof(exported));

    /// <summary>A parameter exported as it is, under its own name.</summary>
    public void Add(string name, long[] shape, ParameterGroup group, Initializer start)
    {
        _specs.Add(new ParameterSpec(name, shape, group, start));
        _stored.Add(name, new StoredTensor(name, 0));
    }

    public void Add(NormSpec norm)
    {
        Add(norm.Weight, [norm.Size], ParameterGroup.Vector, Initializers.Constant(1));
        if (norm.Bias is not null) Add(norm.Bias, [norm.Size], ParameterGroup.Vector, Initializers.Constant(0));
    }

    /// <summary>The depthwise kernel starts as torch's convolutions do: uniform within 1/√width.</summary>
    public void Add(ConvolutionSpec convolution)
    {
        var start = Initializers.Uniform(1 / Math.Sqrt(convolution.Width));
        Add(convolution.Weight, [convolution.Channels, convolution.Width], ParameterGroup.Vector, start);
        if (convolution.Bias is not null) Add(convolution.Bias, [convolution.Channels], ParameterGroup.Vector, start);
    }

    /// <summary>One matrix (N, D) for all parts, and one bias.</summary>
    public void Add(LinearSpec linear, Initializer start, Initializer? bias = null)
    {
        long[]? stacked = linear.Maps.Count > 1 ? [.. linear.Maps.Select(outputs => (long)outputs)] : null;
        _specs.Add(new ParameterSpec(linear.Name, [linear.Outputs, linear.Inputs], ParameterGroup.Matrix, start, stacked));
        if (linear.HasBias)
            _specs.Add(new ParameterSpec(BiasName(linear), [linear.Outputs], ParameterGroup.Vector, bias ?? Initializers.Constant(0)));
        long row = 0;
        foreach (var part in linear.Parts)
        {
            _stored.Add(part.Weight, new StoredTensor(linear.Name, row * linear.Inputs, linear.Transposed ? part.Outputs : 0));
            if (part.Bias is not null) _stored.Add(part.Bias, new StoredTensor(BiasName(linear), row));
            row += part.Outputs;
        }
    }

    internal static string BiasName(LinearSpec linear) =>
        linear.Parts[0].Bias ?? throw new ArgumentException($"{linear.Name} has no bias.", nameof(linear));
}

internal static class LinearMath
{
    /// <summary>y = x·Wᵀ + b, (…, D) → (…, N) in x's type.</summary>
    public static Tensor Apply(this LinearSpec linear, Tensor x, ParameterStore weights)
    {
        var weight = weights[linear.Name];                                      // (N, D)
        if (weights.Compute.Arithmetic is Precision.Float32Packed && x.dtype is ScalarType.Float32)
        {
            object packedBias = linear.HasBias ? weights[WeightLayout.BiasName(linear)] : (object)false;
            return Layers.PackedLinearFunction.apply(x, weight, packedBias);
        }
        if (!linear.HasBias) return functional.linear(x, weight);
        using var scope = NewDisposeScope();
        var bias = weights[WeightLayout.BiasName(linear)].to(x.dtype);          // (N)
        return functional.linear(x, weight, bias).MoveToOuterDisposeScope();
    }
}
