using System.Text.RegularExpressions;

namespace Dolmen.Web.Extraction;

/// <summary>How near an extracted text is to what people marked, as article-extraction-benchmark counts: shingles of four words with their
/// multiplicities, precision and recall averaged over pages, F1 of the two averages. With one word a shingle it is a bag of
/// words.</summary>
internal sealed partial class ExtractionScore(int shingle = 4)
{
    private readonly List<double> _precisions = [];
    private readonly List<double> _recalls = [];

    public double Precision => _precisions.DefaultIfEmpty(0).Average();

    public double Recall => _recalls.DefaultIfEmpty(0).Average();

    public double F1 => Precision + Recall > 0 ? 2 * Precision * Recall / (Precision + Recall) : 0;

    /// <returns>The page's own F1.</returns>
    public double Add(string expected, string actual)
    {
        var (truth, found) = (Shingles(expected), Shingles(actual));
        var (truths, founds) = (truth.Values.Sum(), found.Values.Sum());
        double common = found.Sum(f => Math.Min(f.Value, truth.GetValueOrDefault(f.Key)));
        if (founds > 0) _precisions.Add(common / founds);
        if (truths > 0) _recalls.Add(common / truths);
        return truths + founds > 0 ? 2 * common / (truths + founds) : 1;
    }

    private Dictionary<string, int> Shingles(string text)
    {
        var words = Word().Matches(text).Select(m => m.Value).ToArray();
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; words.Length > 0 && i < Math.Max(1, words.Length - shingle + 1); i++)
        {
            var key = string.Join(' ', words[i..Math.Min(words.Length, i + shingle)]);
            counts[key] = counts.GetValueOrDefault(key) + 1;
        }
        return counts;
    }

    // As Python's \w: letters, numbers of all kinds and the underscore, but no marks.
    [GeneratedRegex(@"[\p{L}\p{N}_]+")]
    private static partial Regex Word();
}
