using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Dolmen.Modeling;

namespace Dolmen.Training.Optimizers;

/// <param name="LearningRate">Times the optimizer's.</param>
/// <param name="WeightDecay">Times the optimizer's; null keeps the group's own.</param>
public sealed record GroupMultipliers(double LearningRate = 1, double? WeightDecay = null);

/// <summary>What a recipe changes of the groups.</summary>
public sealed record GroupTable(
    GroupMultipliers? Embedding = null, GroupMultipliers? Head = null, GroupMultipliers? Matrix = null, GroupMultipliers? Vector = null,
    GroupMultipliers? StateSpace = null, GroupMultipliers? Table = null)
{
    internal GroupMultipliers? this[ParameterGroup group] => group switch
    {
        ParameterGroup.Embedding => Embedding,
        ParameterGroup.Head => Head,
        ParameterGroup.Matrix => Matrix,
        ParameterGroup.Vector => Vector,
        ParameterGroup.Table => Table,
        _ => StateSpace,
    };

    internal IEnumerable<string> Problems()
    {
        foreach (var (name, group) in new[]
        {
            ("embedding", Embedding), ("head", Head), ("matrix", Matrix), ("vector", Vector), ("stateSpace", StateSpace),
            ("table", Table),
        })
        {
            if (group is { LearningRate: < 0 or > 1000 or double.NaN })
            {
                yield return $"groups.{name}.learningRate is {group.LearningRate}: it multiplies the optimizer's and must lie between 0 "
                    + $"and 1000.";
            }
            if (group is { WeightDecay: < 0 or > 1000 or double.NaN })
            {
                yield return $"groups.{name}.weightDecay is {group.WeightDecay}: it multiplies the optimizer's and must lie between 0 and "
                    + $"1000.";
            }
        }
    }
}

/// <summary>Neighbouring parameters that are stepped alike.</summary>
/// <param name="Multiplier">Of the optimizer's learning rate.</param>
/// <param name="Decay">The weight decay.</param>
/// <param name="Table">The table that it is, of which only rows with a gradient are stepped: by AdamW, and so by Muon, by Lion and by
/// SGD, whose memory of a row is then of its own last gradients. Null for all else.</param>
/// <param name="Width">Of the table's rows.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ParameterRun(
    long Start, long Count, double Multiplier, double Decay, string? Table = null, long Width = 0)
{
    /// <summary>Itself, or the rows of the table that have a gradient.</summary>
    public IEnumerable<ParameterRun> Stepped(ParameterStore parameters)
    {
        if (Table is null) return [this];
        var table = this;
        return parameters.Rows.Touched(Table).Select(row => table with { Start = table.Start + row * table.Width, Count = table.Width });
    }

    /// <param name="share">The schedule's value.</param>
    public float Rate(OptimizerRecipe recipe, double share) => (float)((float)(recipe.LearningRate * share) * Multiplier);
}

/// <summary>
/// Which parameters get which learning rate and weight decay, in one place, and what decoders start them as:
/// <code>
/// group        starts as                          learning rate                    weight decay     kept as
/// embedding    N(0, 0.02)                         the optimizer's                  the optimizer's  fp32, with a bf16 copy where
/// head         N(0, 0.02)                         the optimizer's                  the optimizer's  the model computes in bf16
/// matrix       N(0, 0.02), /√parts back into      the optimizer's                  the optimizer's  (these three)
///              the stream; U(±1/√inputs) in
///              state-space layers
/// vector       1 (norms, skips), 0 (biases)       the optimizer's                  none             fp32
/// stateSpace   HiPPO, log-uniform step sizes      at most stateSpaceLearningRate   none             fp32
/// table        0                                  the optimizer's                  none             fp32, by rows
/// </code>
/// The rules of the second column, and those of other models, are <see cref="Initializers"/>; the rest is this class.
/// </summary>
internal static class ParameterGroups
{
    private static (double Multiplier, double Decay) Of(OptimizerRecipe recipe, ParameterGroup group)
    {
        var decays = group is ParameterGroup.Embedding or ParameterGroup.Head or ParameterGroup.Matrix;
        var multiplier = group == ParameterGroup.StateSpace ? Math.Min(1, recipe.StateSpaceLearningRate / recipe.LearningRate) : 1;
        return recipe.Groups?[group] is { } changed
            ? (multiplier * changed.LearningRate, recipe.WeightDecay * (changed.WeightDecay ?? (decays ? 1 : 0)))
            : (multiplier, decays ? recipe.WeightDecay : 0);
    }

    /// <summary>The trained parameters that <paramref name="wanted"/> takes, as runs; frozen ones are left out.</summary>
    public static IReadOnlyList<ParameterRun> Runs(
        OptimizerRecipe recipe,
        ParameterStore parameters,
        Func<ParameterSpec, bool>? wanted = null
    )
    {
        var runs = new List<ParameterRun>();
        foreach (var (spec, offset) in parameters.Layout)
        {
            if (IsFrozen(recipe, spec) || wanted?.Invoke(spec) == false) continue;
            var (multiplier, decay) = Of(recipe, spec.Group);
            if (spec.Group is ParameterGroup.Table)
            {
                runs.Add(new ParameterRun(offset, spec.Elements, multiplier, decay, spec.Name, spec.Shape[1]));
                continue;
            }
            // A run never crosses the border between what has a bf16 copy and what has none.
            if (
                runs.Count > 0
                && runs[^1] is var last
                && last.Start + last.Count == offset
                && (last.Multiplier, last.Decay) == (multiplier, decay)
                && offset != parameters.CopiedCount
            )
            {
                runs[^1] = last with { Count = last.Count + spec.Elements };
            }
            else runs.Add(new ParameterRun(offset, spec.Elements, multiplier, decay));
        }
        return runs;
    }

    /// <summary>What every hidden matrix gets.</summary>
    public static ParameterRun Matrices(OptimizerRecipe recipe)
    {
        var (multiplier, decay) = Of(recipe, ParameterGroup.Matrix);
        return new ParameterRun(0, 0, multiplier, decay);
    }

    public static bool IsFrozen(OptimizerRecipe recipe, ParameterSpec spec) =>
        recipe.Frozen?.Any(pattern =>
            Regex.IsMatch(
                spec.Name,
                $"^{Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal)}$",
                RegexOptions.NonBacktracking
            )
        ) == true;
}
