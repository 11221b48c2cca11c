using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling;
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using static TorchSharp.torch;

namespace Dolmen.Training.Optimizers;

/// <summary>
/// Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2): every weight moves by the sign of an interpolated
/// momentum. Rates are three to ten times smaller than Adam's and decay as many times larger.
/// </summary>
public sealed record LionRecipe(
    double LearningRate, double WeightDecay = 0.3, double Beta1 = 0.9, double Beta2 = 0.99, double ClipNorm = 1.0,
    double StateSpaceLearningRate = 3e-4, GroupTable? Groups = null, IReadOnlyList<string>? Frozen = null)
    : OptimizerRecipe(LearningRate, WeightDecay, ClipNorm, StateSpaceLearningRate, Groups, Frozen)
{
    public override Optimizer Build(ParameterStore parameters) => new Lion(parameters, this);

    public override IEnumerable<string> Problems()
    {
        foreach (var problem in base.Problems()) yield return problem;
        if (Fraction("beta1", Beta1, "0.9") is { } first) yield return first;
        if (Fraction("beta2", Beta2, "0.99") is { } second) yield return second;
    }
}

internal sealed unsafe class Lion(ParameterStore parameters, LionRecipe recipe) : Optimizer
{
    private const long Grain = 1 << 14;

    private readonly IReadOnlyList<ParameterRun> _runs = ParameterGroups.Runs(recipe, parameters);
    private readonly FlatBuffer _m = new(parameters.Count, parameters.Compute);

    public override IEnumerable<NamedState> State() => [_m.State("lion.m")];

    public override void Step(int step, double share, double gradientScale)
    {
        foreach (var run in _runs.SelectMany(run => run.Stepped(parameters)))
        {
            if (!parameters.Compute.HasKernels) StepByOperations(run, share, gradientScale);
            else if (Vector512.IsHardwareAccelerated) Step<Lanes512, Vector512<float>>(run, share, gradientScale);
            else Step<Lanes256, Vector256<float>>(run, share, gradientScale);
        }
    }

    protected override void Dispose(bool disposing) => _m.Dispose();

    private void StepByOperations(ParameterRun run, double share, double gradientScale)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var (weights, m) = (parameters.WeightsAt(run.Start, run.Count), _m.Part(run.Start, run.Count));
        var (gradient, rate) = (parameters.GradientAt(run.Start, run.Count) * gradientScale, run.Rate(recipe, share));
        var sign = (m * recipe.Beta1 + gradient * (1 - recipe.Beta1)).sign();
        m.mul_(recipe.Beta2).add_(gradient, alpha: 1 - recipe.Beta2);
        weights.mul_(1 - rate * run.Decay).add_(sign, alpha: -rate);
        parameters.RefreshCopy(run.Start, run.Count);
    }

    private void Step<S, V>(ParameterRun run, double share, double gradientScale) where S : ILanes<V> where V : struct =>
        OpenMpTeam.RunChunks(run.Count, Grain, (start, end) => StepRange<S, V>(run, share, gradientScale, start, end));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void StepRange<S, V>(ParameterRun run, double share, double gradientScale, long start, long end)
        where S : ILanes<V> where V : struct
    {
        float* weights = parameters.WeightPointer + run.Start,
            gradients = parameters.GradientPointer + run.Start,
            m = _m.Pointer + run.Start;
        var copy = parameters.CopyPointer(run.Start);
        var rate = run.Rate(recipe, share);
        var (scale, keep, move) = (S.Create((float)gradientScale), S.Create((float)(1 - rate * run.Decay)), S.Create(-rate));
        var (beta1, rest1) = (S.Create((float)recipe.Beta1), S.Create((float)(1 - recipe.Beta1)));
        var (beta2, rest2) = (S.Create((float)recipe.Beta2), S.Create((float)(1 - recipe.Beta2)));
        var (zero, one) = (S.Create(0f), S.Create(1f));
        for (var i = start; i < end; i += S.Width)
        {
            var left = end - i;
            var g = S.Multiply(Lanes.Load<S, V, float>(gradients + i, left), scale);
            var momentum = Lanes.Load<S, V, float>(m + i, left);
            var direction = S.MultiplyAdd(beta1, momentum, S.Multiply(rest1, g));
            var sign = S.SelectLess(direction, zero, S.Create(-1f), S.SelectLess(zero, direction, one, zero));
            var weight = S.MultiplyAdd(sign, move, S.Multiply(Lanes.Load<S, V, float>(weights + i, left), keep));
            Lanes.Store<S, V, float>(m + i, left, S.MultiplyAdd(beta2, momentum, S.Multiply(rest2, g)));
            Lanes.Store<S, V, float>(weights + i, left, weight);
            if (copy != null) Lanes.Store<S, V, Bf16>(copy + i, left, weight);
        }
    }
}
