// H features, N state, M pairs (= N / 2), R rank, L length
using System.Numerics;
using Dolmen.Checkpoints;
using Dolmen.Modeling.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Mixers;

/// <summary>A state space's tensors in a model: how they start, how they are stepped, and the kernel they make.</summary>
internal static class StateSpaceParameterization
{
    private const double MinStep = 1e-3, MaxStep = 0.1, MinDecay = 1e-4;

    /// <summary>A, B, P and Δ learn slowly and without decay; C and D as everything else, without decay (Gu et al. 2022, appendix
    /// D).</summary>
    public static void Declare(this StateSpaceSpec spec, WeightLayout layout)
    {
        var (a, b, p) = Start(spec);
        long h = spec.Features, m = spec.Pairs;
        layout.Add(spec.LogDecay, [h, m], ParameterGroup.StateSpace, Rows(a.Select(z => Math.Log(Math.Max(-z.Real, MinDecay)))));
        layout.Add(spec.Frequency, [h, m], ParameterGroup.StateSpace, Rows(a.Select(z => z.Imaginary)));
        layout.Add(spec.LogStep, [h], ParameterGroup.StateSpace, Initializers.LogUniform(MinStep, MaxStep));
        layout.Add(spec.Input, [h, m, 2], ParameterGroup.StateSpace, Rows(Parts(b)));
        layout.Add(spec.Output, [h, m, 2], ParameterGroup.Vector, Initializers.Normal(Math.Sqrt(0.5)));
        if (spec.Rank > 0)
        {
            var columns = p.Select(row => Parts(row).Select(x => (float)x).ToArray()).ToArray();
            layout.Add(spec.LowRank, [spec.Rank, h, m, 2], ParameterGroup.StateSpace, (weights, ref _) =>
            {
                for (var i = 0; i < weights.Length; i++) weights[i] = columns[i / (weights.Length / columns.Length)][i % columns[0].Length];
            });
        }
        layout.Add(spec.Skip, [h], ParameterGroup.Vector, Initializers.Normal(1));
    }

    /// <summary>The convolution kernel of length L, (1, H, L).</summary>
    public static Tensor Kernel(this StateSpaceSpec spec, LayerMath math, ParameterStore weights, long length)
    {
        using var scope = NewDisposeScope();
        var system = new DiagonalSystem(
            weights[spec.LogDecay], weights[spec.Frequency], weights[spec.LogStep], weights[spec.Input], weights[spec.Output].unsqueeze(0));
        var kernel = spec.Rank > 0
            ? StateSpaceKernels.LowRank(math, system, weights[spec.LowRank], length)
            : StateSpaceKernels.Diagonal(math, system, spec.Discretization, length);
        return kernel.MoveToOuterDisposeScope();
    }

    private static (Complex[] A, Complex[] B, Complex[][] P) Start(StateSpaceSpec spec)
    {
        if (spec.Rank == 0)
        {
            var (a, b) = Hippo.Diagonal(spec.Start, spec.DState);
            return (a, b, []);
        }
        var form = Hippo.Decompose(spec.Start is StateSpaceStart.LegT ? HippoMeasure.LegT : HippoMeasure.LegS, spec.DState);
        return (form.Eigenvalues, Hippo.Clip(form.Input), form.LowRank);
    }

    /// <summary>The same values for every feature.</summary>
    private static Initializer Rows(IEnumerable<double> values)
    {
        var row = values.Select(x => (float)x).ToArray();
        return (weights, ref _) =>
        {
            for (var i = 0; i < weights.Length; i++) weights[i] = row[i % row.Length];
        };
    }

    private static IEnumerable<double> Parts(Complex[] values) => values.SelectMany(z => new[] { z.Real, z.Imaginary });
}
