namespace Dolmen.Retrieval;

/// <summary>How well a passage fits a question: BM25F (Robertson, Zaragoza and Taylor, 2004) over its names, the words of its title and
/// those of its text.</summary>
/// <param name="passages">How many the index has.</param>
/// <param name="lengths">Mean numbers of terms of its titles and texts.</param>
internal sealed class Ranking(int passages, (double Title, double Text) lengths)
{
    private const double K1 = 1.2;                                       // where further occurrences begin to count little
    private const double TitleLength = 0.6, TextLength = 0.4;            // how much a long one is held against it: BM25's b
    private const double NameWeight = 6, TitleWeight = 3, TextWeight = 1;

    /// <summary>How much a term tells that occurs in <paramref name="holding"/> of all passages.</summary>
    public double Weight(int holding) => Math.Log(1 + ((passages - holding + 0.5) / (holding + 0.5)));

    /// <param name="weights">Of the question's terms.</param>
    public double Score(Passage passage, IReadOnlyDictionary<string, double> weights)
    {
        List<string> names = [], title = [], text = [];
        IndexTerms.AddNames(passage.Title, names);
        IndexTerms.AddWords(passage.Title, title);
        IndexTerms.AddWords(passage.Text, text);
        var frequencies = new Dictionary<string, double>(StringComparer.Ordinal);
        Count(names, NameWeight);
        Count(title, TitleWeight / Norm(title.Count, lengths.Title, TitleLength));
        Count(text, TextWeight / Norm(text.Count, lengths.Text, TextLength));
        return frequencies.Sum(term => weights[term.Key] * term.Value / (K1 + term.Value));

        void Count(List<string> terms, double weight)
        {
            foreach (var term in terms)
                if (weights.ContainsKey(term)) frequencies[term] = frequencies.GetValueOrDefault(term) + weight;
        }
    }

    private static double Norm(int length, double mean, double share) => 1 - share + (share * length / Math.Max(1, mean));
}
