namespace Dolmen.Data.Languages;

internal readonly record struct LanguageF1(string Language, int Texts, double Precision, double Recall)
{
    public double F1 => Precision + Recall == 0 ? 0 : 2 * Precision * Recall / (Precision + Recall);
}

/// <summary>How well an identifier does on texts whose language is known.</summary>
internal sealed class LanguageScore
{
    private readonly SortedDictionary<string, (int Gold, int Guessed, int Right)> _counts = new(StringComparer.Ordinal);

    public int Texts { get; private set; }

    public int Right { get; private set; }

    public void Add(string gold, string guess)
    {
        var own = _counts.GetValueOrDefault(gold);
        own.Gold++;
        if (string.Equals(gold, guess, StringComparison.Ordinal))
        {
            _counts[gold] = (own.Gold, own.Guessed + 1, own.Right + 1);
            Right++;
        }
        else
        {
            _counts[gold] = own;
            var other = _counts.GetValueOrDefault(guess);
            _counts[guess] = (other.Gold, other.Guessed + 1, other.Right);
        }
        Texts++;
    }

    /// <summary>Of the languages that texts are of, by code. A language only ever guessed has no score of its own, but costs the recall of
    /// the ones it was guessed for.</summary>
    public IEnumerable<LanguageF1> Languages =>
        from entry in _counts
        let count = entry.Value
        where count.Gold > 0
        select new LanguageF1(
            entry.Key,
            count.Gold,
            count.Guessed == 0 ? 0 : (double)count.Right / count.Guessed,
            (double)count.Right / count.Gold
        );

    /// <summary>The mean of the languages' F1, each counting the same; 0 without texts.</summary>
    public double MacroF1 => Languages.Select(language => language.F1).DefaultIfEmpty(0).Average();
}
