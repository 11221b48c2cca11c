using Dolmen.Modeling;
using Dolmen.Modeling.Kernels;
using static TorchSharp.torch;

namespace Dolmen.Training.Optimizers;

/// <summary>Adam with decoupled weight decay (Loshchilov and Hutter 2019).</summary>
public sealed record AdamWRecipe(
    double LearningRate, double WeightDecay = 0.1, double Beta1 = 0.9, double Beta2 = 0.95, double Epsilon = 1e-8, double ClipNorm = 1.0,
    double StateSpaceLearningRate = 1e-3, GroupTable? Groups = null, IReadOnlyList<string>? Frozen = null)
    : OptimizerRecipe(LearningRate, WeightDecay, ClipNorm, StateSpaceLearningRate, Groups, Frozen)
{
    public override Optimizer Build(ParameterStore parameters) => new AdamW(parameters, this, ParameterGroups.Runs(this, parameters));

    public override IEnumerable<string> Problems()
    {
        foreach (var problem in base.Problems()) yield return problem;
        if (Fraction("beta1", Beta1, "0.9") is { } first) yield return first;
        if (Fraction("beta2", Beta2, "0.95") is { } second) yield return second;
        if (!(Epsilon > 0)) yield return $"epsilon is {Epsilon}: it must be above 0. 1e-8 is usual.";
    }
}

internal sealed unsafe class AdamW(ParameterStore parameters, AdamWRecipe recipe, IReadOnlyList<ParameterRun> runs) : Optimizer
{
    private readonly FlatBuffer _m = new(parameters.Count, parameters.Compute), _v = new(parameters.Count, parameters.Compute);

    public override IEnumerable<NamedState> State() => [_m.State("adam.m"), _v.State("adam.v")];

    public override void Step(int step, double share, double gradientScale)
    {
        foreach (var run in runs)
        {
            if (!parameters.Compute.HasKernels)
            {
                StepByOperations(run, step, share, gradientScale);
                continue;
            }
            var at = run.Start;
            AdamWKernel.Step(parameters.WeightPointer + at, parameters.CopyPointer(at), parameters.GradientPointer + at,
                _m.Pointer + at, _v.Pointer + at, run.Count,
                new AdamWStep(run.Rate(recipe, share), (float)recipe.Beta1, (float)recipe.Beta2, (float)recipe.Epsilon,
                    (float)run.Decay, step, (float)gradientScale));
        }
    }

    private void StepByOperations(ParameterRun run, int step, double share, double gradientScale)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var (weights, rate) = (parameters.WeightsAt(run.Start, run.Count), run.Rate(recipe, share));
        var gradient = parameters.GradientAt(run.Start, run.Count) * gradientScale;
        var (m, v) = (_m.Part(run.Start, run.Count), _v.Part(run.Start, run.Count));
        m.mul_(recipe.Beta1).add_(gradient, alpha: 1 - recipe.Beta1);
        v.mul_(recipe.Beta2).addcmul_(gradient, gradient, 1 - recipe.Beta2);
        var size = (v / (1 - Math.Pow(recipe.Beta2, step))).sqrt_().add_(recipe.Epsilon);
        weights.mul_(1 - rate * run.Decay).addcdiv_(m, size, -rate / (1 - Math.Pow(recipe.Beta1, step)));
        parameters.RefreshCopy(run.Start, run.Count);
    }

    protected override void Dispose(bool disposing)
    {
        _m.Dispose();
        _v.Dispose();
    }
}
