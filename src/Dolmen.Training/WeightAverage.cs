using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling;
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using static TorchSharp.torch;

namespace Dolmen.Training;

/// <summary>
/// An exponential moving average of a model's weights, which often predicts better than the weights themselves. Early in a run it forgets
/// faster, (1 + step) / (10 + step), so that the untrained weights do not stay in it.
/// </summary>
internal sealed unsafe class WeightAverage(ParameterStore parameters, double decay) : IDisposable
{
    private const long Grain = 1 << 14;

    private readonly FlatBuffer _average = new(parameters.Count, parameters.Compute);

    public NamedState State() => _average.State("average");

    /// <param name="step">Counts from 1.</param>
    public void Add(int step)
    {
        var keep = step == 1 ? 0 : Math.Min(decay, (1.0 + step) / (10.0 + step));
        if (!parameters.Compute.HasKernels)
        {
            using var noGradient = no_grad();
            _average.Tensor.lerp_(parameters.FlatWeights, 1 - keep);
        }
        else if (Vector512.IsHardwareAccelerated) Add<Lanes512, Vector512<float>>((float)(1 - keep));
        else Add<Lanes256, Vector256<float>>((float)(1 - keep));
    }

    /// <summary>Exchanges the weights and their average; called twice, everything is as before.</summary>
    public void Swap()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var weights = parameters.FlatWeights.clone();
        parameters.FlatWeights.copy_(_average.Tensor);
        _average.Tensor.copy_(weights);
        parameters.RefreshCopy();
    }

    public void Dispose() => _average.Dispose();

    private void Add<S, V>(float share) where S : ILanes<V> where V : struct =>
        OpenMpTeam.RunChunks(parameters.Count, Grain, (start, end) => AddRange<S, V>(share, start, end));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddRange<S, V>(float share, long start, long end) where S : ILanes<V> where V : struct
    {
        float* weights = parameters.WeightPointer, average = _average.Pointer;
        var part = S.Create(share);
        for (var i = start; i < end; i += S.Width)
        {
            var old = Lanes.Load<S, V, float>(average + i, end - i);
            var difference = S.Subtract(Lanes.Load<S, V, float>(weights + i, end - i), old);
            Lanes.Store<S, V, float>(average + i, end - i, S.MultiplyAdd(part, difference, old));
        }
    }
}
