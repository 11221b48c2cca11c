using Dolmen.Artifacts;
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Layers;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling;

/// <summary>
/// All weights of a model in one flat fp32 array, matrices first, with the summed gradient beside it. What the model computes
/// with are views: of that array, or, for matrices in bf16, of a rounded copy that the optimizer keeps up to date.
/// </summary>
public sealed unsafe class ParameterStore : IDisposable
{
    private readonly List<(ParameterSpec Spec, long Offset)> _layout = [];
    private readonly Dictionary<string, Tensor> _leaves = new(StringComparer.Ordinal);
    private readonly Tensor _master, _gradient;
    private readonly Tensor? _copy;

    public ParameterStore(IReadOnlyList<ParameterSpec> specs, bool bfloat16)
    {
        long offset = 0;
        foreach (var spec in specs.OrderBy(spec => Order(spec.Group)))  // a stable sort: within a kind as given
        {
            _layout.Add((spec, offset));
            offset += spec.Elements;
            if (IsProduct(spec.Group)) CopiedCount = offset;
        }
        Count = offset;
        (_master, _gradient) = (zeros(Count).DetachFromDisposeScope(), zeros(Count).DetachFromDisposeScope());
        Arithmetic = bfloat16 ? Precision.BFloat16 : Precision.Float32;
        _copy = bfloat16 ? zeros(CopiedCount, dtype: ScalarType.BFloat16).DetachFromDisposeScope() : null;
        foreach (var (spec, start) in _layout)
        {
            using var scope = NewDisposeScope();
            var source = _copy is not null && IsProduct(spec.Group) ? _copy : _master;
            _leaves[spec.Name] = source
                .narrow(0, start, spec.Elements)
                .view(spec.Shape)
                .detach()
                .requires_grad_(true)
                .DetachFromDisposeScope();
        }
    }

    public long Count { get; }

    /// <summary>Whether the model computes with a bf16 copy of its matrices.</summary>
    public bool IsBFloat16 => _copy is not null;

    /// <summary>How the model's products are computed; set by what builds the model.</summary>
    public Precision Arithmetic { get; internal set; }

    /// <summary>Whether linear layers multiply by our own products instead of libtorch's.</summary>
    internal bool PackedProducts => Arithmetic == Precision.Float32Packed;

    /// <summary>The tensor the model computes with; a leaf of the autograd graph.</summary>
    public Tensor this[string name] => _leaves[name];

    public IEnumerable<ParameterSpec> Specs => _layout.Select(entry => entry.Spec);

    /// <summary>Every parameter with the place of its first element in the flat array.</summary>
    public IReadOnlyList<(ParameterSpec Spec, long Offset)> Layout => _layout;

    /// <summary>So many elements, from the first on, have a bf16 copy where the model computes in bf16.</summary>
    public long CopiedCount { get; }

    /// <summary>The summed gradient.</summary>
    public Span<float> Gradient => Whole(_gradient);

    internal Tensor FlatWeights => _master;

    internal Tensor FlatGradient => _gradient;

    internal float* WeightPointer => TensorMemory.Pointer<float>(_master);

    internal float* GradientPointer => TensorMemory.Pointer<float>(_gradient);

    /// <summary>The fp32 weights of one tensor, in place: a write shows after <see cref="RefreshCopy"/>.</summary>
    public Span<float> Weights(string name)
    {
        var (spec, offset) = _layout.First(entry => entry.Spec.Name == name);
        return new Span<float>(TensorMemory.Pointer<float>(_master) + offset, checked((int)spec.Elements));
    }

    /// <summary>What a checkpoint holds of the model: its weights.</summary>
    public NamedState State() => new("master", () => Whole(_master));

    /// <summary>Starts drawn from one stream of <paramref name="seed"/>, in the order of the layout.</summary>
    public void Initialize(ulong seed)
    {
        var random = new StableRandom(seed);
        foreach (var (spec, _) in _layout)
        {
            spec.Start(Weights(spec.Name), ref random);
        }
        RefreshCopy();
    }

    /// <summary>Rounds the master weights into the copy the model computes with. The optimizer does it by itself.</summary>
    public void RefreshCopy() => RefreshCopy(0, CopiedCount);

    internal void RefreshCopy(long offset, long count)
    {
        if (_copy is null) return;
        using var scope = NewDisposeScope();
        _copy.narrow(0, offset, count).copy_(_master.narrow(0, offset, count));
    }

    /// <summary>Runs the backward pass of a scalar loss and adds its gradients to the sum; returns the loss.</summary>
    /// <param name="first">Begins a new sum.</param>
    /// <exception cref="InvalidOperationException">A part of the backward pass failed.</exception>
    public double Backward(Tensor loss, bool first)
    {
        loss.backward();
        BackwardGuard.ThrowIfFailed();
        TakeGradients(first);
        return loss.item<float>();
    }

    /// <summary>Moves the gradients of a backward pass into the flat sum and clears them.</summary>
    public void TakeGradients(bool first)
    {
        using var scope = NewDisposeScope();
        var sum = TensorMemory.Pointer<float>(_gradient);
        foreach (var (spec, offset) in _layout)
        {
            var leaf = _leaves[spec.Name];
            var gradient = leaf.grad?.contiguous();
            if (gradient is null)
            {
                if (first) new Span<float>(sum + offset, checked((int)spec.Elements)).Clear();
                continue;
            }
            if (gradient.dtype is ScalarType.BFloat16)
            {
                GradientKernel.Accumulate(sum + offset, TensorMemory.Pointer<Bf16>(gradient), spec.Elements, first);
            }
            else GradientKernel.Accumulate(sum + offset, TensorMemory.Pointer<float>(gradient), spec.Elements, first);
            leaf.grad = null;
        }
    }

    /// <summary>Euclidean norm of the summed gradients.</summary>
    public double GradientNorm() => Math.Sqrt(GradientKernel.SumOfSquares(TensorMemory.Pointer<float>(_gradient), Count));

    /// <summary>Parameters that are not trained get no gradient: neither the memory nor the products for one.</summary>
    public void Freeze(Func<ParameterSpec, bool> frozen)
    {
        foreach (var (spec, _) in _layout) _leaves[spec.Name].requires_grad_(!frozen(spec));
    }

    /// <summary>The bf16 copy of the element at <paramref name="offset"/>; null where there is none.</summary>
    internal Bf16* CopyPointer(long offset) => _copy is null || offset >= CopiedCount ? null : TensorMemory.Pointer<Bf16>(_copy) + offset;

    public void Dispose()
    {
        foreach (var leaf in _leaves.Values) leaf.Dispose();
        foreach (var tensor in new[] { _master, _gradient, _copy }) tensor?.Dispose();
    }

    /// <summary>Those that enter matrix products are kept together, so that they share one bf16 copy.</summary>
    private static bool IsProduct(ParameterGroup group) =>
        group is ParameterGroup.Embedding or ParameterGroup.Head or ParameterGroup.Matrix;

    private static int Order(ParameterGroup group) => IsProduct(group) ? 0 : group == ParameterGroup.Vector ? 1 : 2;

    private static Span<float> Whole(Tensor flat) => new(TensorMemory.Pointer<float>(flat), checked((int)flat.numel()));
}
