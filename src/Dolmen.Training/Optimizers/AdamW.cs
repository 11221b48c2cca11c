using Dolmen.Modeling;
using Dolmen.Modeling.Kernels;

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
    private readonly FlatBuffer _m = new(parameters.Count), _v = new(parameters.Count);

    public override IEnumerable<NamedState> State() => [new("adam.m", () => _m.Values), new("adam.v", () => _v.Values)];

    public override void Step(int step, double share, double gradientScale)
    {
        foreach (var run in runs)
        {
            var at = run.Start;
            AdamWKernel.Step(parameters.WeightPointer + at, parameters.CopyPointer(at), parameters.GradientPointer + at,
                _m.Pointer + at, _v.Pointer + at, run.Count,
                new AdamWStep(run.Rate(recipe, share), (float)recipe.Beta1, (float)recipe.Beta2, (float)recipe.Epsilon,
                    (float)run.Decay, step, (float)gradientScale));
        }
    }

    protected override void Dispose(bool disposing)
    {
        _m.Dispose();
        _v.Dispose();
    }
}
