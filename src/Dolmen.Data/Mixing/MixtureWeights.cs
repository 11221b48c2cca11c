using System.Globalization;
using Dolmen.Artifacts;

namespace Dolmen.Data.Mixing;

/// <summary>What tells one component from another.</summary>
/// <param name="Bucket">Of quality, from the lowest on; -1 for documents without a score.</param>
internal readonly record struct ComponentKey(string Source, string Language, int Bucket, bool Ai);

/// <summary>How many tokens to take of each component: natural shares, times weights and temperature, to a budget, within limits.</summary>
internal static class MixtureWeights
{
    /// <summary>The shares asked for, before any limit; they sum to 1.</summary>
    /// <exception cref="UserErrorException">Nothing is left, or a named source or language is not there.</exception>
    public static double[] Shares(MixRecipe recipe, IReadOnlyList<ComponentKey> keys, IReadOnlyList<double> tokens)
    {
        RefuseStrangers("sources", recipe.Sources?.Keys, keys.Select(k => k.Source));
        RefuseStrangers("shares", recipe.Shares?.Keys, keys.Select(k => k.Source));
        RefuseStrangers("maxEpochsBySource", recipe.MaxEpochsBySource?.Keys, keys.Select(k => k.Source));
        RefuseStrangers("languages", recipe.Languages?.Keys, keys.Select(k => k.Language));
        // Temperature acts on languages as they are, weights on what it makes of them.
        var byLanguage = new Dictionary<string, double>(StringComparer.Ordinal);
        for (var c = 0; c < keys.Count; c++) byLanguage[keys[c].Language] = byLanguage.GetValueOrDefault(keys[c].Language) + tokens[c];
        var shares = new double[keys.Count];
        for (var c = 0; c < keys.Count; c++)
        {
            var language = byLanguage[keys[c].Language];
            if (tokens[c] <= 0)
                continue;
            shares[c] =
                tokens[c]
                * Math.Pow(language, recipe.Alpha - 1)
                * (recipe.Sources?.GetValueOrDefault(keys[c].Source, 1) ?? 1)
                * (recipe.Languages?.GetValueOrDefault(keys[c].Language, 1) ?? 1)
                * (keys[c].Bucket >= 0 ? recipe.QualityWeights?[keys[c].Bucket] ?? 1 : 1);
        }
        var sum = shares.Sum();
        if (!(sum > 0))
            throw new UserErrorException(
                "every weight that applies is 0: nothing would be taken. Raise one of sources, languages or qualityWeights."
            );
        for (var c = 0; c < shares.Length; c++)
            shares[c] /= sum;
        return recipe.Shares is { Count: > 0 } fixedShares ? Fixed(shares, keys, fixedShares) : shares;
    }

    /// <summary>Tokens of each component: in proportion to the shares, but none beyond its limit; what that leaves goes to the others in
    /// proportion (as UniMax does, Chung et al. 2023), and AI-made components together stay within theirs.</summary>
    /// <exception cref="UserErrorException">The limits do not admit that much; the message says how much they do.</exception>
    public static double[] Allocate(
        MixRecipe recipe,
        IReadOnlyList<ComponentKey> keys,
        IReadOnlyList<double> tokens,
        double[] shares,
        double budget
    )
    {
        var limits = Limits(recipe, keys, tokens, shares);
        var reachable = Reachable(recipe, keys, limits);
        if (budget > reachable * (1 + 1e-12))
        {
            var why = recipe.MaxAiShare is { } most && reachable < limits.Sum() ? $"maxEpochs and maxAiShare {Number(most)}" : "maxEpochs";
            throw new UserErrorException(
                $"the budget is {Number(budget)} tokens, but within {why} no more than {Number(Math.Floor(reachable))} can be taken of "
                    + $"these inputs: "
                    + $"lower tokens to {Number(Math.Floor(reachable))}, raise maxEpochs (it is {Number(recipe.MaxEpochs)}; repeats beyond "
                    + $"{Number(MixRecipe.WorthwhileEpochs)} are worth little), or add documents."
            );
        }
        var all = Fill(shares, limits, budget, _ => true);
        if (recipe.MaxAiShare is not { } aiShare) return all;
        double ai = 0;
        for (var c = 0; c < all.Length; c++) if (keys[c].Ai) ai += all[c];
        if (ai <= aiShare * budget) return all;
        var made = Fill(shares, limits, aiShare * budget, c => keys[c].Ai);
        var written = Fill(shares, limits, budget * (1 - aiShare), c => !keys[c].Ai);
        for (var c = 0; c < made.Length; c++) made[c] += written[c];
        return made;
    }

    /// <summary>Most tokens that can be taken within the limits.</summary>
    public static double Reachable(MixRecipe recipe, IReadOnlyList<ComponentKey> keys, IReadOnlyList<double> limits)
    {
        double made = 0, written = 0;
        for (var c = 0; c < limits.Count; c++)
        {
            if (keys[c].Ai) made += limits[c];
            else written += limits[c];
        }
        // AI text may be share / (1 - share) of the rest.
        return recipe.MaxAiShare is { } share && share < 1 ? written + Math.Min(made, written * share / (1 - share)) : made + written;
    }

    public static double[] Limits(MixRecipe recipe, IReadOnlyList<ComponentKey> keys, IReadOnlyList<double> tokens, double[] shares)
    {
        var limits = new double[keys.Count];
        for (var c = 0; c < limits.Length; c++) if (shares[c] > 0) limits[c] = tokens[c] * MaxEpochs(recipe, keys[c].Source);
        return limits;
    }

    public static double MaxEpochs(MixRecipe recipe, string source) =>
        recipe.MaxEpochsBySource?.GetValueOrDefault(source, recipe.MaxEpochs) ?? recipe.MaxEpochs;

    public static string Number(double value) => value.ToString(value == Math.Floor(value) ? "N0" : "0.####", CultureInfo.InvariantCulture);

    private static double[] Fill(double[] shares, double[] limits, double budget, Func<int, bool> belongs)
    {
        var taken = new double[shares.Length];
        var open = Enumerable.Range(0, shares.Length).Where(c => belongs(c) && shares[c] > 0).ToList();
        var left = budget;
        while (open.Count > 0)
        {
            var sum = open.Sum(c => shares[c]);
            var full = open.Where(c => left * shares[c] / sum >= limits[c]).ToList();
            if (full.Count == 0)
            {
                foreach (var c in open) taken[c] = left * shares[c] / sum;
                break;
            }
            foreach (var c in full)
            {
                taken[c] = limits[c];
                left -= limits[c];
                open.Remove(c);
            }
            left = Math.Max(left, 0);
        }
        return taken;
    }

    private static double[] Fixed(double[] shares, IReadOnlyList<ComponentKey> keys, IReadOnlyDictionary<string, double> wanted)
    {
        var natural = new Dictionary<string, double>(StringComparer.Ordinal);
        for (var c = 0; c < keys.Count; c++) natural[keys[c].Source] = natural.GetValueOrDefault(keys[c].Source) + shares[c];
        var named = wanted.Values.Sum();
        var others = natural.Where(n => !wanted.ContainsKey(n.Key)).Sum(n => n.Value);
        if (!(others > 0) && named < 1 - 1e-9)
            throw new UserErrorException(
                $"shares add up to {Number(named)} and no other source is left to take the rest: make them add up to 1."
            );
        if (wanted.FirstOrDefault(w => w.Value > 0 && !(natural[w.Key] > 0)).Key is { } empty)
            throw new UserErrorException(
                $"shares.{empty} is {Number(wanted[empty])}, but other weights leave nothing of that source: raise them or take it out."
            );
        var result = new double[shares.Length];
        for (var c = 0; c < result.Length; c++)
        {
            var source = keys[c].Source;
            result[c] =
                shares[c] <= 0 ? 0
                : wanted.TryGetValue(source, out var share) ? shares[c] / natural[source] * share
                : shares[c] / others * (1 - named);
        }
        return result;
    }

    private static void RefuseStrangers(string setting, IEnumerable<string>? named, IEnumerable<string> there)
    {
        var known = there.ToHashSet(StringComparer.Ordinal);
        if ((named ?? []).Order(StringComparer.Ordinal).FirstOrDefault(n => !known.Contains(n)) is { } stranger)
            throw new UserErrorException(
                $"{setting}.{stranger}: no document has that name; there are "
                    + $"{string.Join(", ", known.Order(StringComparer.Ordinal).Take(20))}. Correct the name or take it out."
            );
    }
}
