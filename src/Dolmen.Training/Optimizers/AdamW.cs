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
            var sizes = new AdamWStep(run.Rate(recipe, share), (float)recipe.Beta1, (float)recipe.Beta2, (float)recipe.Epsilon,
                (float)run.Decay, step, (float)gradientScale);
            float* weights = parameters.WeightPointer + at, gradients = parameters.GradientPointer + at;
            // A row without a gradient keeps its moments: Adam's memory is then of the row's own last gradients (lazy Adam).
            if (run.Table is { } table)
            {
                var rows = parameters.Rows.Touched(table);
                AdamWKernel.StepRows(weights, gradients, _m.Pointer + at, _v.Pointer + at, rows, run.Width, sizes);
            }
            else AdamWKernel.Step(weights, parameters.CopyPointer(at), gradients, _m.Pointer + at, _v.Pointer + at, run.Count, sizes);
        }
    }

    private void StepByOperations(ParameterRun run, int step, double share, double gradientScale)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        if (run.Table is not null)
        {
            StepRowsByOperations(run, step, share, gradientScale);
            return;
        }
        var (weights, rate) = (parameters.WeightsAt(run.Start, run.Count), run.Rate(recipe, share));
        var gradient = parameters.GradientAt(run.Start, run.Count) * gradientScale;
        var (m, v) = (_m.Part(run.Start, run.Count), _v.Part(run.Start, run.Count));
        m.mul_(recipe.Beta1).add_(gradient, alpha: 1 - recipe.Beta1);
        v.mul_(recipe.Beta2).addcmul_(gradient, gradient, 1 - recipe.Beta2);
        var size = (v / (1 - Math.Pow(recipe.Beta2, step))).sqrt_().add_(recipe.Epsilon);
        weights.mul_(1 - rate * run.Decay).addcdiv_(m, size, -rate / (1 - Math.Pow(recipe.Beta1, step)));
        parameters.RefreshCopy(run.Start, run.Count);
    }

    private void StepRowsByOperations(ParameterRun run, int step, double share, double gradientScale)
    {
        int[] rows = [.. parameters.Rows.Touched(run.Table!)];
        if (rows.Length == 0) return;
        var at = tensor(rows, ScalarType.Int64, device: parameters.Compute.Device);                              // (K) of R rows
        Tensor Table(Tensor flat) => flat.view(-1, run.Width);                                                   // (R, D)
        var (weights, allM, allV) = (Table(parameters.WeightsAt(run.Start, run.Count)),
            Table(_m.Part(run.Start, run.Count)), Table(_v.Part(run.Start, run.Count)));
        var gradient = Table(parameters.GradientAt(run.Start, run.Count)).index_select(0, at) * gradientScale;   // (K, D)
        var m = allM.index_select(0, at) * recipe.Beta1 + gradient * (1 - recipe.Beta1);                         // (K, D)
        var v = allV.index_select(0, at) * recipe.Beta2 + gradient.square() * (1 - recipe.Beta2);                // (K, D)
        allM.index_copy_(0, at, m);
        allV.index_copy_(0, at, v);
        var size = (v / (1 - Math.Pow(recipe.Beta2, step))).sqrt_().add_(recipe.Epsilon);
        var rate = run.Rate(recipe, share);
        var moved = weights.index_select(0, at) * (1 - rate * run.Decay);
        weights.index_copy_(0, at, moved.addcdiv_(m, size, -rate / (1 - Math.Pow(recipe.Beta1, step))));
    }

    protected override void Dispose(bool disposing)
    {
        _m.Dispose();
        _v.Dispose();
    }
}
