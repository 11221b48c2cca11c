using Dolmen.Artifacts;
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling;

/// <summary>
/// All weights of a model in one flat fp32 array, group by group (matrices first), with gradient and Adam's moments beside it. What the model computes
/// with are views: of that array, or, for matrices in bf16, of a rounded copy that the optimizer keeps up to date.
/// </summary>
public sealed unsafe class ParameterStore : IDisposable
{
    private readonly List<(ParameterSpec Spec, long Offset)> _layout = [];
    private readonly Dictionary<string, Tensor> _leaves = new(StringComparer.Ordinal);
    private readonly Tensor _master, _gradient, _m, _v;
    private readonly Tensor? _copy;
    private readonly long _decayed, _slow;

    public ParameterStore(IReadOnlyList<ParameterSpec> specs, bool bfloat16)
    {
        long offset = 0;
        foreach (var spec in specs.OrderBy(spec => spec.Group))         // a stable sort: within a group as given
        {
            _layout.Add((spec, offset));
            offset += spec.Elements;
            if (spec.Group == ParameterGroup.Matrix) _decayed = offset;
            if (spec.Group != ParameterGroup.StateSpace) _slow = offset;
        }
        Count = offset;
        Tensor Flat() => zeros(Count).DetachFromDisposeScope();
        (_master, _gradient, _m, _v) = (Flat(), Flat(), Flat(), Flat());
        _copy = bfloat16 ? zeros(_decayed, dtype: ScalarType.BFloat16).DetachFromDisposeScope() : null;
        foreach (var (spec, start) in _layout)
        {
            using var scope = NewDisposeScope();
            var source = _copy is not null && spec.Group == ParameterGroup.Matrix ? _copy : _master;
            _leaves[spec.Name] = source.narrow(0, start, spec.Elements).view(spec.Shape).detach().requires_grad_(true).DetachFromDisposeScope();
        }
    }

    public long Count { get; }

    /// <summary>Whether the model computes with a bf16 copy of its matrices.</summary>
    public bool IsBFloat16 => _copy is not null;

    /// <summary>The tensor the model computes with; a leaf of the autograd graph.</summary>
    public Tensor this[string name] => _leaves[name];

    public IEnumerable<ParameterSpec> Specs => _layout.Select(entry => entry.Spec);

    /// <summary>The fp32 weights of one tensor, in place: a write shows after <see cref="RefreshCopy"/>.</summary>
    public Span<float> Weights(string name)
    {
        var (spec, offset) = _layout.First(entry => entry.Spec.Name == name);
        return new Span<float>(TensorMemory.Pointer<float>(_master) + offset, checked((int)spec.Elements));
    }

    /// <summary>What a checkpoint holds: weights and Adam's two moments.</summary>
    public IEnumerable<(string Name, Func<Span<float>> Values)> State()
    {
        yield return ("master", () => Whole(_master));
        yield return ("adam.m", () => Whole(_m));
        yield return ("adam.v", () => Whole(_v));
    }

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
    public void RefreshCopy()
    {
        if (_copy is null) return;
        using var scope = NewDisposeScope();
        _copy.copy_(_master.narrow(0, 0, _decayed));
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
            if (gradient.dtype is ScalarType.BFloat16) GradientKernel.Accumulate(sum + offset, TensorMemory.Pointer<Bf16>(gradient), spec.Elements, first);
            else GradientKernel.Accumulate(sum + offset, TensorMemory.Pointer<float>(gradient), spec.Elements, first);
            leaf.grad = null;
        }
    }

    /// <summary>Euclidean norm of the summed gradients.</summary>
    public double GradientNorm() => Math.Sqrt(GradientKernel.SumOfSquares(TensorMemory.Pointer<float>(_gradient), Count));

    /// <summary>One AdamW step; <see cref="AdamWStep.WeightDecay"/> touches matrices only.</summary>
    /// <param name="stateSpaceShare">Of the learning rate, for <see cref="ParameterGroup.StateSpace"/>.</param>
    public void Step(AdamWStep step, double stateSpaceShare = 1)
    {
        float* w = TensorMemory.Pointer<float>(_master), g = TensorMemory.Pointer<float>(_gradient), m = TensorMemory.Pointer<float>(_m), v = TensorMemory.Pointer<float>(_v);
        var copy = _copy is null ? null : TensorMemory.Pointer<Bf16>(_copy);
        AdamWKernel.Step(w, copy, g, m, v, _decayed, step);
        void Undecayed(long from, long to, double share) => AdamWKernel.Step(w + from, null, g + from, m + from, v + from, to - from,
            step with { WeightDecay = 0, LearningRate = (float)(step.LearningRate * share) });
        Undecayed(_decayed, _slow, 1);
        Undecayed(_slow, Count, stateSpaceShare);
    }

    public void Dispose()
    {
        foreach (var leaf in _leaves.Values) leaf.Dispose();
        foreach (var tensor in new[] { _master, _gradient, _m, _v, _copy }) tensor?.Dispose();
    }

    private static Span<float> Whole(Tensor flat) => new(TensorMemory.Pointer<float>(flat), checked((int)flat.numel()));
}
