using System.Text;

namespace Dolmen.Evaluation;

/// <summary>How near an answer comes to the right one.</summary>
internal static class AnswerMatch
{
    private static readonly string[] Articles = ["a", "an", "the"];

    /// <summary>Equal but for case, white space and punctuation at the end.</summary>
    public static bool IsExact(string answer, string right) => Normal(answer) == Normal(right);

    /// <summary>Harmonic mean of precision and recall over the words of both, as SQuAD's evaluation script counts them: without case,
    /// punctuation and articles.</summary>
    public static double F1(string answer, string right)
    {
        var (said, expected) = (Words(answer), Words(right));
        if (said.Count == 0 || expected.Count == 0) return said.Count == expected.Count ? 1 : 0;
        var left = expected.CountBy(word => word).ToDictionary();
        var common = 0;
        foreach (var word in said)
        {
            if (left.GetValueOrDefault(word) == 0) continue;
            left[word]--;
            common++;
        }
        if (common == 0) return 0;
        var (precision, recall) = ((double)common / said.Count, (double)common / expected.Count);
        return 2 * precision * recall / (precision + recall);
    }

    private static string Normal(string text)
    {
        var words = text.ToLowerInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return string.Join(' ', words).TrimEnd('.', '!', '?', ';', ':', ' ');
    }

    private static List<string> Words(string text)
    {
        var kept = new StringBuilder(text.Length);
        foreach (var c in text.ToLowerInvariant())
            if (c >= 128 || !char.IsPunctuation(c) && !char.IsSymbol(c)) kept.Append(c);
        return [.. kept.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Where(word => !Articles.Contains(word))];
    }
}
