using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling;
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using static TorchSharp.torch;

namespace Dolmen.Training.Optimizers;

/// <summary>
/// Schedule-free AdamW (Defazio et al. 2024, "The Road Less Scheduled"): gradients are taken between a fast iterate z and the running
/// average x of its past, and x is what is evaluated and saved. It takes the place of a decaying learning rate: use the schedule
/// <c>constant</c>, with warm-up, beside it.
/// </summary>
/// <param name="Beta1">How far towards the average the gradients are taken.</param>
public sealed record ScheduleFreeRecipe(
    double LearningRate, double WeightDecay = 0.1, double Beta1 = 0.9, double Beta2 = 0.95, double Epsilon = 1e-8, double ClipNorm = 1.0,
    double StateSpaceLearningRate = 1e-3, GroupTable? Groups = null, IReadOnlyList<string>? Frozen = null)
    : OptimizerRecipe(LearningRate, WeightDecay, ClipNorm, StateSpaceLearningRate, Groups, Frozen)
{
    public override Optimizer Build(ParameterStore parameters) => new ScheduleFree(parameters, this);

    public override IEnumerable<string> Problems()
    {
        foreach (var problem in base.Problems()) yield return problem;
        if (Fraction("beta1", Beta1, "0.9") is { } first) yield return first;
        if (Beta1 == 0) yield return "beta1 is 0: the average could not be found again from what is trained. 0.9 is usual.";
        if (Fraction("beta2", Beta2, "0.95") is { } second) yield return second;
        if (!(Epsilon > 0)) yield return $"epsilon is {Epsilon}: it must be above 0. 1e-8 is usual.";
    }
}

// y = (1 − β₁)·z + β₁·x is in the parameter store while the model trains, x while it is evaluated.
internal sealed unsafe class ScheduleFree : Optimizer
{
    private const long Grain = 1 << 14;

    private readonly ParameterStore _parameters;
    private readonly ScheduleFreeRecipe _recipe;
    private readonly IReadOnlyList<ParameterRun> _runs;
    private readonly FlatBuffer _z, _v, _trained;
    private readonly double[] _sums = new double[3];                       // weights of all steps, greatest rate so far, whether z is set

    public ScheduleFree(ParameterStore parameters, ScheduleFreeRecipe recipe)
    {
        (_parameters, _recipe, _runs) = (parameters, recipe, ParameterGroups.Runs(recipe, parameters));
        FlatBuffer Buffer() => new(parameters.Count, parameters.Compute);
        (_z, _v, _trained) = (Buffer(), Buffer(), Buffer());
    }

    // The sums are doubles whose bits a checkpoint keeps as two floats each.
    public override IEnumerable<NamedState> State() =>
    [
        _z.State("scheduleFree.z"), _v.State("scheduleFree.v"),
        NamedState.Of("scheduleFree.sums", () => MemoryMarshal.Cast<double, float>(_sums.AsSpan())),
    ];

    public override void Step(int step, double share, double gradientScale)
    {
        if (_sums[2] == 0)
        {
            Copy(_parameters.FlatWeights, _z.Tensor);
            _sums[2] = 1;
        }
        _sums[1] = Math.Max(_sums[1], _recipe.LearningRate * share);
        var weight = _sums[1] * _sums[1];
        _sums[0] += weight;
        var mix = _sums[0] > 0 ? weight / _sums[0] : 0;
        var correction = 1 - Math.Pow(_recipe.Beta2, step);
        // All rows of tables too: the average of a row goes on towards its iterate while no gradient comes.
        foreach (var run in _runs)
        {
            if (!_parameters.Compute.HasKernels) StepByOperations(run, share, gradientScale, mix, correction);
            else if (Vector512.IsHardwareAccelerated) Step<Lanes512, Vector512<float>>(run, share, gradientScale, mix, correction);
            else Step<Lanes256, Vector256<float>>(run, share, gradientScale, mix, correction);
        }
    }

    public override void BeginEvaluation()
    {
        if (_sums[2] == 0) return;
        Copy(_parameters.FlatWeights, _trained.Tensor);
        var back = 1 - 1 / _recipe.Beta1;                                  // x = y + (1 − 1/β₁)·(z − y)
        foreach (var run in _runs)
        {
            if (_parameters.Compute.HasKernels) AverageInPlace(run, (float)back);
            else AverageByOperations(run, back);
        }
        _parameters.RefreshCopy();
    }

    public override void EndEvaluation()
    {
        if (_sums[2] == 0) return;
        Copy(_trained.Tensor, _parameters.FlatWeights);
        _parameters.RefreshCopy();
    }

    protected override void Dispose(bool disposing)
    {
        _z.Dispose();
        _v.Dispose();
        _trained.Dispose();
    }

    private static void Copy(Tensor from, Tensor to)
    {
        using var noGradient = no_grad();
        to.copy_(from);
    }

    private void AverageInPlace(ParameterRun run, float back)
    {
        float* weights = _parameters.WeightPointer, z = _z.Pointer;
        for (var i = run.Start; i < run.Start + run.Count; i++) weights[i] += back * (z[i] - weights[i]);
    }

    private void AverageByOperations(ParameterRun run, double back)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        _parameters.WeightsAt(run.Start, run.Count).lerp_(_z.Part(run.Start, run.Count), back);
    }

    private void StepByOperations(ParameterRun run, double share, double gradientScale, double mix, double correction)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var (y, rate) = (_parameters.WeightsAt(run.Start, run.Count), run.Rate(_recipe, share));
        var (z, v) = (_z.Part(run.Start, run.Count), _v.Part(run.Start, run.Count));
        var gradient = _parameters.GradientAt(run.Start, run.Count) * gradientScale;
        v.mul_(_recipe.Beta2).addcmul_(gradient, gradient, 1 - _recipe.Beta2);
        var direction = gradient / (v / correction).sqrt_().add_(_recipe.Epsilon) + y * run.Decay;
        y.lerp_(z, mix).add_(direction, alpha: rate * (_recipe.Beta1 * (1 - mix) - 1));
        z.add_(direction, alpha: -rate);
        _parameters.RefreshCopy(run.Start, run.Count);
    }

    private void Step<S, V>(ParameterRun run, double share, double gradientScale, double mix, double correction)
        where S : ILanes<V> where V : struct =>
        OpenMpTeam.RunChunks(run.Count, Grain, (start, end) => StepRange<S, V>(run, share, gradientScale, mix, correction, start, end));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void StepRange<S, V>(ParameterRun run, double share, double gradientScale, double mix, double correction, long start, long end)
        where S : ILanes<V> where V : struct
    {
        float* weights = _parameters.WeightPointer + run.Start, gradients = _parameters.GradientPointer + run.Start;
        float* z = _z.Pointer + run.Start, v = _v.Pointer + run.Start;
        var copy = _parameters.CopyPointer(run.Start);
        var rate = run.Rate(_recipe, share);
        var (scale, decay, epsilon) = (S.Create((float)gradientScale), S.Create((float)run.Decay), S.Create((float)_recipe.Epsilon));
        var (beta2, rest2, unbias) = (
            S.Create((float)_recipe.Beta2),
            S.Create((float)(1 - _recipe.Beta2)),
            S.Create((float)(1 / correction))
        );
        var (towards, move, fast) = (S.Create((float)mix), S.Create((float)(rate * (_recipe.Beta1 * (1 - mix) - 1))), S.Create(-rate));
        for (var i = start; i < end; i += S.Width)
        {
            var left = end - i;
            var g = S.Multiply(Lanes.Load<S, V, float>(gradients + i, left), scale);
            var square = S.MultiplyAdd(beta2, Lanes.Load<S, V, float>(v + i, left), S.Multiply(rest2, S.Multiply(g, g)));
            var y = Lanes.Load<S, V, float>(weights + i, left);
            var iterate = Lanes.Load<S, V, float>(z + i, left);
            var direction = S.Divide(g, S.Add(S.Sqrt(S.Multiply(square, unbias)), epsilon));
            direction = S.MultiplyAdd(decay, y, direction);
            y = S.MultiplyAdd(towards, S.Subtract(iterate, y), y);
            y = S.MultiplyAdd(move, direction, y);
            Lanes.Store<S, V, float>(v + i, left, square);
            Lanes.Store<S, V, float>(z + i, left, S.MultiplyAdd(fast, direction, iterate));
            Lanes.Store<S, V, float>(weights + i, left, y);
            if (copy != null) Lanes.Store<S, V, Bf16>(copy + i, left, y);
        }
    }
}
