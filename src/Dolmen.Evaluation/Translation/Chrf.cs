using System.Text;

namespace Dolmen.Evaluation.Translation;

/// <summary>chrF2 (Popović 2015) as sacreBLEU computes it: characters in rows of one to six, blanks left out, recall counting twice,
/// precision and recall averaged over the orders that both sides have, over the whole corpus.</summary>
public static class Chrf
{
    private const int MaxOrder = 6;
    private const double Beta = 2;

    public static double Score(IReadOnlyList<string> hypotheses, IReadOnlyList<string> references)
    {
        if (hypotheses.Count != references.Count)
            throw new ArgumentException(
                $"{hypotheses.Count} hypotheses need as many references, not {references.Count}.",
                nameof(references)
            );
        var (written, wanted, matched) = (new long[MaxOrder], new long[MaxOrder], new long[MaxOrder]);
        for (var i = 0; i < hypotheses.Count; i++)
        {
            var (hypothesis, reference) = (Characters(hypotheses[i]), Characters(references[i]));
            for (var n = 1; n <= MaxOrder; n++)
            {
                if (reference.Length < n) continue;
                var (had, has) = (Counts(reference, n), Counts(hypothesis, n));
                written[n - 1] += Math.Max(0, hypothesis.Length - n + 1);
                wanted[n - 1] += reference.Length - n + 1;
                foreach (var (gram, count) in has) matched[n - 1] += Math.Min(count, had.GetValueOrDefault(gram));
            }
        }
        var orders = Enumerable.Range(0, MaxOrder).Where(n => written[n] > 0 && wanted[n] > 0).ToArray();
        if (orders.Length == 0) return 0;
        var precision = orders.Average(n => (double)matched[n] / written[n]);
        var recall = orders.Average(n => (double)matched[n] / wanted[n]);
        return precision + recall == 0 ? 0 : 100 * (1 + Beta * Beta) * precision * recall / (Beta * Beta * precision + recall);
    }

    private static string[] Characters(string text) =>
        [.. text.EnumerateRunes().Where(rune => !Rune.IsWhiteSpace(rune)).Select(rune => rune.ToString())];

    private static Dictionary<string, int> Counts(string[] characters, int n)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i + n <= characters.Length; i++)
        {
            var gram = string.Concat(characters.AsSpan(i, n));
            counts[gram] = counts.GetValueOrDefault(gram) + 1;
        }
        return counts;
    }
}
