using Dolmen.Artifacts;
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Layers;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling;

/// <summary>
/// All weights of a model in one flat fp32 array, matrices first, with the summed gradient beside it. What the model computes
/// with are views: of that array, or, for matrices in bf16, of a rounded copy that the optimizer keeps up to date. Where
/// <see cref="Modeling.Compute.HasKernels"/> says so, our kernels work on the arrays in place; elsewhere libtorch's operations do.
/// </summary>
public sealed unsafe class ParameterStore : IDisposable
{
    internal const string NoHostMemory = "The weights are not in host memory: read and write them by name.";

    private readonly List<(ParameterSpec Spec, long Offset)> _layout = [];

    // A set for each part of a batch, so that each has gradients of its own: all are views of the same weights.
    private readonly List<Dictionary<string, Tensor>> _leaves = [];
    private readonly Tensor _master, _gradient;
    private readonly RowGradients _rows = new();
    private readonly Tensor? _copy;

    // Elements from the first on of which every step has a gradient; tables lie behind them.
    private readonly long _denseCount;

    public ParameterStore(IReadOnlyList<ParameterSpec> specs, Compute compute)
    {
        Compute = compute;
        long offset = 0;
        foreach (var spec in specs.OrderBy(spec => Order(spec.Group)))  // a stable sort: within a kind as given
        {
            _layout.Add((spec, offset));
            if (spec.Group is ParameterGroup.Table) _rows.Add(spec, offset);
            offset += spec.Elements;
            if (IsProduct(spec.Group)) CopiedCount = offset;
            if (spec.Group is not ParameterGroup.Table) _denseCount = offset;
        }
        Count = offset;
        _master = zeros(Count, device: compute.Device).DetachFromDisposeScope();
        _gradient = zeros(Count, device: compute.Device).DetachFromDisposeScope();
        _copy = compute.BFloat16
            ? zeros(CopiedCount, dtype: ScalarType.BFloat16, device: compute.Device).DetachFromDisposeScope()
            : null;
        _leaves.Add(Leaves(_ => true));
    }

    public Compute Compute { get; }

    public long Count { get; }

    /// <summary>Whether the model computes with a bf16 copy of its matrices.</summary>
    public bool IsBFloat16 => _copy is not null;

    /// <summary>The tensor the model computes with; a leaf of the autograd graph. Each part of a batch has its own.</summary>
    public Tensor this[string name] => _leaves[BatchParts.Current][name];

    public IEnumerable<ParameterSpec> Specs => _layout.Select(entry => entry.Spec);

    /// <summary>Every parameter with the place of its first element in the flat array.</summary>
    public IReadOnlyList<(ParameterSpec Spec, long Offset)> Layout => _layout;

    /// <summary>How many elements, from the first on, have a bf16 copy where the model computes in bf16.</summary>
    public long CopiedCount { get; }

    /// <summary>The summed gradient, in place in host memory.</summary>
    public Span<float> Gradient => new(GradientPointer, checked((int)Count));

    /// <summary>Gradients of tables, row by row.</summary>
    internal RowGradients Rows => _rows;

    /// <summary>The sum of one row of each table, (N, D) fp32; learns where the tables do. rows: of each table, (N).</summary>
    internal Tensor LookUpSum(IReadOnlyList<(string Table, long[] Rows)> rows) => _rows.LookUpSum(rows, _master);

    internal Tensor FlatWeights => _master;

    internal Tensor FlatGradient => _gradient;

    /// <summary>Views of neighbouring weights and of their summed gradients.</summary>
    internal Tensor WeightsAt(long start, long count) => _master.narrow(0, start, count);

    /// <inheritdoc cref="WeightsAt"/>
    internal Tensor GradientAt(long start, long count) => _gradient.narrow(0, start, count);

    internal float* WeightPointer => OnHost(_master);

    internal float* GradientPointer => OnHost(_gradient);

    /// <summary>The fp32 weights of one tensor, in place in host memory: a write shows after <see cref="RefreshCopy()"/>.</summary>
    public Span<float> Weights(string name)
    {
        var (spec, offset) = _layout.First(entry => entry.Spec.Name == name);
        return new Span<float>(WeightPointer + offset, checked((int)spec.Elements));
    }

    /// <summary>Fp32 weights of one tensor, copied from wherever they lie.</summary>
    /// <param name="start">The first element.</param>
    /// <param name="count">How many elements; null takes all that follow.</param>
    public float[] Read(string name, long start = 0, long? count = null)
    {
        using var scope = NewDisposeScope();
        var values = new float[count ?? SizeOf(name) - start];
        FlatValues.Read(Part(_master, name, start, values.Length), values);
        return values;
    }

    /// <summary>Sets fp32 weights of one tensor wherever they lie; shows after <see cref="RefreshCopy()"/>.</summary>
    /// <param name="start">The first element.</param>
    public void Write(string name, ReadOnlySpan<float> values, long start = 0)
    {
        using var scope = NewDisposeScope();
        FlatValues.Write(Part(_master, name, start, values.Length), values);
    }

    /// <summary>What a checkpoint holds of the model: its weights.</summary>
    public NamedState State() => NamedState.Of("master", _master);

    /// <summary>Starts drawn from one stream of <paramref name="seed"/>, in the order of the layout.</summary>
    public void Initialize(ulong seed)
    {
        var random = new StableRandom(seed);
        foreach (var (spec, _) in _layout)
        {
            var values = new float[spec.Elements];
            spec.Start(values, ref random);
            Write(spec.Name, values);
        }
        RefreshCopy();
    }

    /// <summary>Rounds the master weights into the copy the model computes with. The optimizer does it by itself.</summary>
    public void RefreshCopy() => RefreshCopy(0, CopiedCount);

    internal void RefreshCopy(long offset, long count)
    {
        if (_copy is null || offset >= CopiedCount) return;
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
        using var noGradient = no_grad();
        var all = new List<LeafGradients>();
        if (!_rows.IsEmpty) _rows.Take(_gradient, Compute.HasKernels ? GradientPointer : null, first);
        foreach (var (spec, offset) in _layout)
        {
            if (spec.Group is ParameterGroup.Table) continue;
            List<Tensor> gradients = [.. _leaves.Select(leaves => leaves[spec.Name].grad?.contiguous()).OfType<Tensor>()];
            if (gradients.Count == 0)
            {
                if (first) _gradient.narrow(0, offset, spec.Elements).zero_();
            }
            else if (Compute.HasKernels) all.Add(AddressesOf(gradients, offset));
            else
            {
                for (var part = 0; part < gradients.Count; part++) AddByOperations(gradients[part], offset, first && part == 0);
            }
        }
        if (all.Count > 0) GradientKernel.AccumulateAll(GradientPointer, all, first);
        foreach (var leaf in _leaves.SelectMany(leaves => leaves.Values)) leaf.grad = null;
    }

    /// <summary>Makes sure that each part of a batch has leaves.</summary>
    internal void Divide(int parts)
    {
        _rows.Divide(parts);
        while (_leaves.Count < parts) _leaves.Add(Leaves(spec => _leaves[0][spec.Name].requires_grad));
    }

    private Dictionary<string, Tensor> Leaves(Func<ParameterSpec, bool> learns)
    {
        var leaves = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var (spec, start) in _layout)
        {
            using var scope = NewDisposeScope();
            var source = _copy is not null && IsProduct(spec.Group) ? _copy : _master;
            leaves[spec.Name] = source
                .narrow(0, start, spec.Elements)
                .view(spec.Shape)
                .detach()
                .requires_grad_(learns(spec) && spec.Group is not ParameterGroup.Table)
                .DetachFromDisposeScope();
        }
        return leaves;
    }

    private static LeafGradients AddressesOf(List<Tensor> gradients, long offset)
    {
        var bfloat16 = gradients[0].dtype is ScalarType.BFloat16;
        return new LeafGradients(offset, gradients[0].numel(), bfloat16,
            [.. gradients.Select(gradient =>
                bfloat16 ? (nint)TensorMemory.Pointer<Bf16>(gradient) : (nint)TensorMemory.Pointer<float>(gradient))]);
    }

    private void AddByOperations(Tensor gradient, long offset, bool first)
    {
        var sum = _gradient.narrow(0, offset, gradient.numel());
        if (first) sum.copy_(gradient.view(-1));
        else sum.add_(gradient.view(-1));
    }

    /// <summary>Euclidean norm of the summed gradients.</summary>
    public double GradientNorm()
    {
        if (Compute.HasKernels)
            return Math.Sqrt(GradientKernel.SumOfSquares(GradientPointer, _denseCount) + _rows.SumOfSquares(GradientPointer));
        using var scope = NewDisposeScope();
        return Math.Sqrt(_gradient.square().sum(ScalarType.Float64).item<double>());
    }

    /// <summary>Parameters that are not trained get no gradient: neither the memory nor the products for one.</summary>
    public void Freeze(Func<ParameterSpec, bool> frozen)
    {
        foreach (var (spec, _) in _layout)
        {
            if (spec.Group is ParameterGroup.Table) _rows.Freeze(spec.Name, frozen(spec));
            else foreach (var leaves in _leaves) leaves[spec.Name].requires_grad_(!frozen(spec));
        }
    }

    /// <summary>The bf16 copy of the element at <paramref name="offset"/>; null where there is none.</summary>
    internal Bf16* CopyPointer(long offset) =>
        _copy is null || offset >= CopiedCount ? null : TensorMemory.Pointer<Bf16>(_copy) + offset;

    public void Dispose()
    {
        foreach (var leaf in _leaves.SelectMany(leaves => leaves.Values)) leaf.Dispose();
        _rows.Dispose();
        foreach (var tensor in new[] { _master, _gradient, _copy }) tensor?.Dispose();
    }

    /// <summary>Those that enter matrix products are kept together, so that they share one bf16 copy.</summary>
    private static bool IsProduct(ParameterGroup group) =>
        group is ParameterGroup.Embedding or ParameterGroup.Head or ParameterGroup.Matrix;

    private static int Order(ParameterGroup group) => group switch
    {
        ParameterGroup.Vector => 1,
        ParameterGroup.StateSpace => 2,
        ParameterGroup.Table => 3,
        _ => 0,
    };

    private long SizeOf(string name) => _layout.First(entry => entry.Spec.Name == name).Spec.Elements;

    private Tensor Part(Tensor flat, string name, long start, long count)
    {
        var (spec, offset) = _layout.First(entry => entry.Spec.Name == name);
        return start >= 0 && start + count <= spec.Elements
            ? flat.narrow(0, offset + start, count)
            : throw new ArgumentOutOfRangeException(nameof(start), start, $"'{name}' has {spec.Elements} weights; {count} do not fit.");
    }

    private float* OnHost(Tensor flat) =>
        Compute.HasKernels ? TensorMemory.Pointer<float>(flat) : throw new InvalidOperationException(NoHostMemory);
}
