using Dolmen.Modeling;
using Dolmen.Training.Optimizers;

namespace Dolmen.Tests.Guides;

// guide: docs/guides/add-an-optimizer.md
/// <summary>signSGD (Bernstein et al. 2018, algorithm 1): every weight moves by the sign of its gradient.</summary>
public sealed record SignDescentRecipe(
    double LearningRate, double WeightDecay = 0, double ClipNorm = 0,
    double StateSpaceLearningRate = 1e-3, GroupTable? Groups = null, IReadOnlyList<string>? Frozen = null)
    : OptimizerRecipe(LearningRate, WeightDecay, ClipNorm, StateSpaceLearningRate, Groups, Frozen)
{
    public override Optimizer Build(ParameterStore parameters) => new SignDescent(parameters, this);
}

internal sealed unsafe class SignDescent(ParameterStore parameters, SignDescentRecipe recipe) : Optimizer
{
    // Runs of neighbouring weights with the same rate and decay; frozen ones are not among them.
    private readonly IReadOnlyList<ParameterRun> _runs = ParameterGroups.Runs(recipe, parameters);

    /// <summary>It remembers nothing; what an optimizer remembers is named here, and checkpoints hold it.</summary>
    public override IEnumerable<NamedState> State() => [];

    public override void Step(int step, double share, double gradientScale)
    {
        foreach (var run in _runs)
        {
            var (rate, decay) = (run.Rate(recipe, share), (float)run.Decay);
            for (var i = run.Start; i < run.Start + run.Count; i++)
            {
                ref var weight = ref parameters.WeightPointer[i];
                weight -= rate * (Math.Sign(parameters.GradientPointer[i]) + decay * weight);
            }
        }
        parameters.RefreshCopy();                                        // what a model in bf16 computes with
    }

    protected override void Dispose(bool disposing) { }
}
// end of guide
