using System.Text.RegularExpressions;

namespace Dolmen.Evaluation.Translation;

/// <summary>BLEU (Papineni et al. 2002) as sacreBLEU computes it by default (Post 2018): whole corpus, one reference, words of mteval-v13a,
/// up to four in a row, exponential smoothing where none of an order matches.</summary>
public static partial class Bleu
{
    public const int MaxOrder = 4;

    public static double Score(IReadOnlyList<string> hypotheses, IReadOnlyList<string> references)
    {
        if (hypotheses.Count != references.Count)
            throw new ArgumentException(
                $"{hypotheses.Count} hypotheses need as many references, not {references.Count}.",
                nameof(references)
            );
        var (matched, total) = (new long[MaxOrder], new long[MaxOrder]);
        long written = 0, wanted = 0;
        for (var i = 0; i < hypotheses.Count; i++)
        {
            var (hypothesis, reference) = (Words(hypotheses[i]), Words(references[i]));
            written += hypothesis.Length;
            wanted += reference.Length;
            for (var n = 1; n <= MaxOrder; n++)
            {
                var (had, has) = (Counts(reference, n), Counts(hypothesis, n));
                foreach (var (gram, count) in has) matched[n - 1] += Math.Min(count, had.GetValueOrDefault(gram));
                total[n - 1] += Math.Max(0, hypothesis.Length - n + 1);
            }
        }
        if (matched.All(count => count == 0)) return 0;
        var (smoothing, logs) = (1.0, 0.0);
        for (var n = 0; n < MaxOrder; n++)
        {
            if (total[n] == 0) return 0;
            if (matched[n] == 0) smoothing *= 2;
            logs += Math.Log(matched[n] == 0 ? 100 / (smoothing * total[n]) : 100.0 * matched[n] / total[n]);
        }
        var brevity = written < wanted ? Math.Exp(1 - (double)wanted / written) : 1;
        return brevity * Math.Exp(logs / MaxOrder);
    }

    /// <summary>Words and marks of mteval-v13a.</summary>
    public static string[] Words(string text)
    {
        text = text.Replace("<skipped>", "")
            .Replace("-\n", "")
            .Replace('\n', ' ')
            .Replace("&quot;", "\"")
            .Replace("&amp;", "&")
            .Replace("&lt;", "<")
            .Replace("&gt;", ">");
        text = Marks().Replace($" {text} ", " $1 ");
        text = AfterOther().Replace(text, "$1 $2 ");
        text = BeforeOther().Replace(text, " $1 $2");
        text = Dash().Replace(text, "$1 $2 ");
        return text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
    }

    private static Dictionary<string, int> Counts(string[] words, int n)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i + n <= words.Length; i++)
        {
            var gram = string.Join(' ', words.AsSpan(i, n));
            counts[gram] = counts.GetValueOrDefault(gram) + 1;
        }
        return counts;
    }

    [GeneratedRegex(@"([\{-\~\[-\` -\&\(-\+\:-\@\/])", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Marks();

    [GeneratedRegex(@"([^0-9])([\.,])", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex AfterOther();

    [GeneratedRegex(@"([\.,])([^0-9])", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex BeforeOther();

    [GeneratedRegex(@"([0-9])(-)", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Dash();
}
