using System.Text.Json.Serialization;
using Dolmen.Modeling;

namespace Dolmen.Training.Optimizers;

/// <summary>
/// How weights follow their gradients. A kind is one file with its recipe and its optimizer, and one line here; a recipe that names no kind
/// takes the first.
/// </summary>
/// <param name="LearningRate">At the schedule's peak.</param>
/// <param name="WeightDecay">Of the groups that decay.</param>
/// <param name="ClipNorm">The Euclidean norm to which all gradients together are scaled down; 0 leaves them.</param>
/// <param name="StateSpaceLearningRate">The most that parameters of a structured state space (S4, H3) get: they are trained slowly and
/// without decay (Gu et al. 2022).</param>
/// <param name="Groups">Multipliers of single groups of parameters, over the defaults in <see cref="ParameterGroups"/>.</param>
/// <param name="Frozen">Names of parameters that are not trained; <c>*</c> stands for any characters.</param>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "optimizer")]
[JsonDerivedType(typeof(AdamWRecipe), "adamw")]
[JsonDerivedType(typeof(MuonRecipe), "muon")]
[JsonDerivedType(typeof(LionRecipe), "lion")]
[JsonDerivedType(typeof(SgdRecipe), "sgd")]
[JsonDerivedType(typeof(ScheduleFreeRecipe), "scheduleFree")]
public abstract record OptimizerRecipe(
    double LearningRate,
    double WeightDecay,
    double ClipNorm,
    double StateSpaceLearningRate,
    GroupTable? Groups,
    IReadOnlyList<string>? Frozen
)
{
    public abstract Optimizer Build(ParameterStore parameters);

    /// <summary>All that is wrong, each beginning with the key.</summary>
    public virtual IEnumerable<string> Problems()
    {
        if (!(LearningRate is > 0 and < 10)) yield return $"learningRate is {LearningRate}: it must be above 0 and below 10.";
        if (!(WeightDecay is >= 0 and < 10)) yield return $"weightDecay is {WeightDecay}: it must be at least 0. 0.1 is usual.";
        if (!(ClipNorm >= 0)) yield return $"clipNorm is {ClipNorm}: it must be 0 (no clipping) or more. 1 is usual.";
        if (!(StateSpaceLearningRate > 0)) yield return $"stateSpaceLearningRate is {StateSpaceLearningRate}: it must be above 0.";
        foreach (var problem in Groups?.Problems() ?? []) yield return problem;
    }

    protected static string? Fraction(string name, double value, string usual) =>
        value is >= 0 and < 1 ? null : $"{name} is {value}: it must be at least 0 and below 1. {usual} is usual.";
}
