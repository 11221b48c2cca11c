using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling;
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using static TorchSharp.torch;

namespace Dolmen.Training.Optimizers;

/// <summary>Stochastic gradient descent as torch.optim.SGD computes it: the decay is added to the gradient, and the first step fills the
/// momentum with the gradient undamped.</summary>
/// <param name="Nesterov">Looks ahead along the momentum (Sutskever et al. 2013).</param>
public sealed record SgdRecipe(
    double LearningRate, double WeightDecay = 0, double Momentum = 0.9, double Dampening = 0, bool Nesterov = false, double ClipNorm = 1.0,
    double StateSpaceLearningRate = 1e-3, GroupTable? Groups = null, IReadOnlyList<string>? Frozen = null)
    : OptimizerRecipe(LearningRate, WeightDecay, ClipNorm, StateSpaceLearningRate, Groups, Frozen)
{
    public override Optimizer Build(ParameterStore parameters) => new Sgd(parameters, this);

    public override IEnumerable<string> Problems()
    {
        foreach (var problem in base.Problems())
            yield return problem;
        if (Fraction("momentum", Momentum, "0.9") is { } first)
            yield return first;
        if (Fraction("dampening", Dampening, "0") is { } second)
            yield return second;
        if (Nesterov && (Momentum == 0 || Dampening != 0))
            yield return "nesterov is true: it needs a momentum above 0 and a dampening of 0.";
    }
}

internal sealed unsafe class Sgd(ParameterStore parameters, SgdRecipe recipe) : Optimizer
{
    private const long Grain = 1 << 14;

    private readonly IReadOnlyList<ParameterRun> _runs = ParameterGroups.Runs(recipe, parameters);
    private readonly FlatBuffer _momentum = new(recipe.Momentum > 0 ? parameters.Count : 0, parameters.Compute);

    public override IEnumerable<NamedState> State() => recipe.Momentum > 0 ? [_momentum.State("sgd.momentum")] : [];

    public override void Step(int step, double share, double gradientScale)
    {
        var damp = step == 1 ? 1 : 1 - recipe.Dampening;
        foreach (var run in _runs.SelectMany(run => run.Stepped(parameters)))
        {
            if (!parameters.Compute.HasKernels) StepByOperations(run, share, gradientScale, damp);
            else if (Vector512.IsHardwareAccelerated) Step<Lanes512, Vector512<float>>(run, share, gradientScale, damp);
            else Step<Lanes256, Vector256<float>>(run, share, gradientScale, damp);
        }
    }

    protected override void Dispose(bool disposing) => _momentum.Dispose();

    private void StepByOperations(ParameterRun run, double share, double gradientScale, double damp)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var weights = parameters.WeightsAt(run.Start, run.Count);
        var direction = parameters.GradientAt(run.Start, run.Count) * gradientScale + weights * run.Decay;
        if (recipe.Momentum > 0)
        {
            var momentum = _momentum.Part(run.Start, run.Count);
            momentum.mul_(recipe.Momentum).add_(direction, alpha: damp);
            direction = recipe.Nesterov ? direction + momentum * recipe.Momentum : momentum;
        }
        weights.add_(direction, alpha: -run.Rate(recipe, share));
        parameters.RefreshCopy(run.Start, run.Count);
    }

    private void Step<S, V>(ParameterRun run, double share, double gradientScale, double damp) where S : ILanes<V> where V : struct =>
        OpenMpTeam.RunChunks(run.Count, Grain, (start, end) => StepRange<S, V>(run, share, gradientScale, damp, start, end));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void StepRange<S, V>(ParameterRun run, double share, double gradientScale, double damp, long start, long end)
        where S : ILanes<V> where V : struct
    {
        float* weights = parameters.WeightPointer + run.Start, gradients = parameters.GradientPointer + run.Start;
        var momentum = recipe.Momentum > 0 ? _momentum.Pointer + run.Start : null;
        var copy = parameters.CopyPointer(run.Start);
        var (scale, move) = (S.Create((float)gradientScale), S.Create(-run.Rate(recipe, share)));
        var (decay, keep, add) = (S.Create((float)run.Decay), S.Create((float)recipe.Momentum), S.Create((float)damp));
        for (var i = start; i < end; i += S.Width)
        {
            var left = end - i;
            var weight = Lanes.Load<S, V, float>(weights + i, left);
            var direction = S.MultiplyAdd(decay, weight, S.Multiply(Lanes.Load<S, V, float>(gradients + i, left), scale));
            if (momentum != null)
            {
                var buffer = S.MultiplyAdd(keep, Lanes.Load<S, V, float>(momentum + i, left), S.Multiply(add, direction));
                Lanes.Store<S, V, float>(momentum + i, left, buffer);
                direction = recipe.Nesterov ? S.MultiplyAdd(keep, buffer, direction) : buffer;
            }
            weight = S.MultiplyAdd(direction, move, weight);
            Lanes.Store<S, V, float>(weights + i, left, weight);
            if (copy != null) Lanes.Store<S, V, Bf16>(copy + i, left, weight);
        }
    }
}
