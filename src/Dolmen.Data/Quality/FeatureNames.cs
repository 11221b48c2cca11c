namespace Dolmen.Data.Quality;

/// <summary>The n-grams behind the heaviest weights. Several may share a weight; the one in most texts gives its name.</summary>
internal static class FeatureNames
{
    private const int MinTexts = 3;

    public static (IReadOnlyList<WeightedNgram> Good, IReadOnlyList<WeightedNgram> Raw) Top(
        IReadOnlyList<string> texts,
        int bits,
        float[] weights,
        int most
    )
    {
        // A heavy weight may hang on one or two texts alone; more candidates than needed are kept, and those left out.
        var heavy = new Dictionary<int, Dictionary<string, int>>();
        var order = new int[weights.Length];
        for (var i = 0; i < order.Length; i++) order[i] = i;
        Array.Sort((float[])weights.Clone(), order);
        for (var i = 0; i < Math.Min(most * 4, order.Length); i++)
        {
            if (weights[order[i]] < 0) heavy.TryAdd(order[i], new(StringComparer.Ordinal));
            if (weights[order[^(i + 1)]] > 0) heavy.TryAdd(order[^(i + 1)], new(StringComparer.Ordinal));
        }
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var text in texts)
        {
            seen.Clear();
            for (var features = new TextFeatures(text, bits); features.MoveNext();)
            {
                if (!heavy.TryGetValue(features.Index, out var names)) continue;
                var ngram = Folded.Show(text.AsSpan(features.Start, features.End - features.Start));
                if (seen.Add(ngram)) names[ngram] = names.GetValueOrDefault(ngram) + 1;
            }
        }
        var named = heavy
            .Where(h => h.Value.Count > 0)
            .Select(h =>
                (Name: h.Value.OrderByDescending(n => n.Value).ThenBy(n => n.Key, StringComparer.Ordinal).First(), Weight: weights[h.Key])
            )
            .Where(n => n.Name.Value >= MinTexts)
            .Select(n => new WeightedNgram(n.Name.Key, Math.Round((double)n.Weight, 4))).ToList();
        return (
            [.. named.Where(n => n.Weight > 0).OrderByDescending(n => n.Weight).ThenBy(n => n.Ngram, StringComparer.Ordinal).Take(most)],
            [.. named.Where(n => n.Weight < 0).OrderBy(n => n.Weight).ThenBy(n => n.Ngram, StringComparer.Ordinal).Take(most)]);
    }
}
