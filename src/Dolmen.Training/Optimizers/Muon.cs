// M rows, N columns of one matrix
using Dolmen.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Training.Optimizers;

/// <summary>
/// Muon (Jordan et al. 2024): the momentum of every hidden matrix is replaced by the nearest semi-orthogonal matrix, so that all of its
/// directions are learned at the same speed. Everything that is not a hidden matrix is stepped by AdamW.
/// </summary>
/// <param name="LearningRate">Of hidden matrices; a step moves each by about this much in spectral norm.</param>
/// <param name="Iterations">Of Newton and Schulz's iteration.</param>
/// <param name="AdamW">For embeddings, head, norms, biases and state spaces; null takes the rate of the matrices without decay, which was
/// the best for a model of a million parameters (docs/SPEEDRUN.md).</param>
public sealed record MuonRecipe(
    double LearningRate = 0.02, double WeightDecay = 0, double Momentum = 0.95, bool Nesterov = true, int Iterations = 5,
    AdamWRecipe? AdamW = null, double ClipNorm = 1.0, double StateSpaceLearningRate = 1e-3, GroupTable? Groups = null,
    IReadOnlyList<string>? Frozen = null)
    : OptimizerRecipe(LearningRate, WeightDecay, ClipNorm, StateSpaceLearningRate, Groups, Frozen)
{
    /// <summary>What steps the rest, with this recipe's frozen parameters and multipliers.</summary>
    internal AdamWRecipe Rest => (AdamW ?? new AdamWRecipe(LearningRate, WeightDecay: 0)) with
    {
        StateSpaceLearningRate = StateSpaceLearningRate,
        Groups = Groups,
        Frozen = Frozen,
    };

    public override Optimizer Build(ParameterStore parameters) => new Muon(parameters, this);

    public override IEnumerable<string> Problems()
    {
        foreach (var problem in base.Problems()) yield return problem;
        if (Fraction("momentum", Momentum, "0.95") is { } first) yield return first;
        if (Iterations is < 1 or > 20) yield return $"iterations is {Iterations}: it must lie between 1 and 20. 5 is usual.";
        foreach (var problem in Rest.Problems()) yield return $"adamW.{problem}";
    }
}

internal sealed class Muon : Optimizer
{
    private readonly ParameterStore _parameters;
    private readonly MuonRecipe _recipe;
    private readonly AdamW _rest;
    private readonly IReadOnlyList<HiddenMatrix> _matrices;
    private readonly FlatBuffer _momentum;

    public Muon(ParameterStore parameters, MuonRecipe recipe)
    {
        (_parameters, _recipe) = (parameters, recipe);
        _rest = new AdamW(parameters, recipe.Rest, ParameterGroups.Runs(recipe.Rest, parameters, spec => !IsHiddenMatrix(spec)));
        long momentum = 0;
        _matrices = [.. parameters.Layout
            .Where(entry => IsHiddenMatrix(entry.Spec) && !ParameterGroups.IsFrozen(recipe, entry.Spec))
            .SelectMany(entry => Parts(entry.Spec, entry.Offset))
            .Select(matrix =>
            {
                var placed = matrix with { Momentum = momentum };
                momentum += matrix.Elements;
                return placed;
            })];
        _momentum = new FlatBuffer(_matrices.Sum(matrix => matrix.Elements), parameters.Compute);
    }

    public override IEnumerable<NamedState> State() => [_momentum.State("muon.momentum"), .. _rest.State()];

    public override void Step(int step, double share, double gradientScale)
    {
        _rest.Step(step, share, gradientScale);
        // The matrices are too small to be divided among threads: each thread takes whole ones.
        var parts = _parameters.Compute.HasKernels ? BatchParts.Count(_matrices.Count) : 1;
        BatchParts.Run(parts, part =>
        {
            using var noGradient = no_grad();
            for (var i = part; i < _matrices.Count; i += parts) Step(_matrices[i], share, gradientScale);
        });
    }

    private void Step(HiddenMatrix matrix, double share, double gradientScale)
    {
        using var scope = NewDisposeScope();
        var run = ParameterGroups.Matrices(_recipe);
        var rate = run.Rate(_recipe, share);
        var gradient = View(_parameters.FlatGradient, matrix.Offset, matrix) * gradientScale;                  // (M, N)
        var momentum = View(_momentum.Tensor, matrix.Momentum, matrix);
        momentum.lerp_(gradient, 1 - _recipe.Momentum);
        var direction = _recipe.Nesterov ? gradient.lerp(momentum, _recipe.Momentum) : momentum;
        var update = NearestOrthogonal(
            direction,
            _recipe.Iterations,
            _parameters.IsBFloat16 ? ScalarType.BFloat16 : ScalarType.Float32
        );
        var weight = View(_parameters.FlatWeights, matrix.Offset, matrix);
        var scale = Math.Sqrt(Math.Max(1, (double)matrix.Rows / matrix.Columns));
        weight.mul_(1 - rate * run.Decay).add_(update, alpha: -rate * scale);
        _parameters.RefreshCopy(matrix.Offset, matrix.Elements);
    }

    protected override void Dispose(bool disposing)
    {
        _momentum.Dispose();
        _rest.Dispose();
    }

    /// <summary>
    /// U·Vᵀ of the singular value decomposition, roughly: five steps of a quintic Newton–Schulz iteration bring every singular value to
    /// between about 0.7 and 1.2. The coefficients are those that were published with Muon.
    /// </summary>
    internal static Tensor NearestOrthogonal(Tensor matrix, int iterations, ScalarType type)                   // (M, N) fp32
    {
        const double A = 3.4445, B = -4.7750, C = 2.0315, Epsilon = 1e-7;
        using var scope = NewDisposeScope();
        var isTall = matrix.shape[0] > matrix.shape[1];
        var x = (matrix / (matrix.norm() + Epsilon)).to(type);
        if (isTall) x = x.t();                                                                                  // (S, L), S ≤ L
        for (var i = 0; i < iterations; i++)
        {
            var gram = mm(x, x.t());                                                                            // (S, S)
            var polynomial = gram * B + mm(gram, gram) * C;                                                     // (S, S)
            x = x * A + mm(polynomial, x);                                                                      // (S, L)
        }
        return (isTall ? x.t() : x).to(ScalarType.Float32).MoveToOuterDisposeScope();                           // (M, N)
    }

    private static bool IsHiddenMatrix(ParameterSpec spec) => spec is { Group: ParameterGroup.Matrix, Shape.Length: 2 };

    private static IEnumerable<HiddenMatrix> Parts(ParameterSpec spec, long offset)
    {
        var columns = spec.Shape[1];
        foreach (var rows in spec.StackedRows ?? [spec.Shape[0]])
        {
            yield return new HiddenMatrix(offset, rows, columns);
            offset += rows * columns;
        }
    }

    private static Tensor View(Tensor flat, long offset, HiddenMatrix matrix) =>
        flat.narrow(0, offset, matrix.Elements).view(matrix.Rows, matrix.Columns);

    /// <param name="Offset">In the flat weights; <paramref name="Momentum"/>: in the momenta.</param>
    private sealed record HiddenMatrix(long Offset, long Rows, long Columns, long Momentum = 0)
    {
        public long Elements => Rows * Columns;
    }
}
