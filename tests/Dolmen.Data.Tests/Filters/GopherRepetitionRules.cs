using CsCheck;
using Dolmen.Data.Filters;

namespace Dolmen.Tests.Data.Filters;

public class GopherRepetitionRules
{
    private static readonly GopherRepetition Filter = new(new());

    private static readonly string[] Alphabet = ["a", "bb", "ccc", "d", "ee"];

    private static string Lines(int different, int same, string separator) =>
        string.Join(separator, Enumerable.Range(0, different).Select(index => "line " + index).Concat(Enumerable.Repeat("line 0", same)));

    private static string? Only(string key, string text) =>
        Filter
            .Rules("en")
            .Where(rule => rule.Reason == "gopherRepetition." + key && rule.Breaks(Judged.Measures(Filter, text)[rule.Measure]))
            .Select(rule => rule.Reason)
            .SingleOrDefault();

    [Theory]
    [InlineData("\n\n", "maxDuplicateParagraphFraction")]
    [InlineData("\n", "maxDuplicateLineFraction")]
    public void Three_tenths_of_lines_and_paragraphs_may_be_duplicates(string separator, string key)
    {
        Assert.Null(Only(key, Lines(70, 30, separator)));
        Assert.Equal("gopherRepetition." + key, Only(key, Lines(69, 31, separator)));
    }

    [Theory]
    [InlineData("\n\n", 20, "maxDuplicateParagraphCharFraction")]
    [InlineData("\n", 20, "maxDuplicateLineCharFraction")]
    public void A_fifth_of_the_characters_may_be_in_duplicates(string separator, int same, string key)
    {
        // Two copies of a line of 20 characters in a text of 100; the text is one shorter beyond the bound.
        var line = new string('x', same);
        var text = line + separator + line + separator;
        Assert.Null(Only(key, text + new string('y', 100 - text.Length)));
        Assert.Equal("gopherRepetition." + key, Only(key, text + new string('y', 99 - text.Length)));
    }

    [Theory]
    [InlineData(2, 0.20)]
    [InlineData(3, 0.18)]
    [InlineData(4, 0.16)]
    public void The_most_frequent_gram_has_its_share(int n, double share)
    {
        // Four times a gram of n words of 4 letters: 4(5n-1) characters; the rest is of words that occur once.
        var gram = string.Join(' ', Enumerable.Range(0, n).Select(index => "wor" + (char)('a' + index)));
        var text = string.Join(' ', Enumerable.Range(0, 4).Select(index => gram + " un" + (char)('a' + index)));
        var counted = 4 * ((5 * n) - 1);
        var length = (int)Math.Round(counted / share, MidpointRounding.ToPositiveInfinity);
        while ((double)counted / length > share) length++;
        var inside = text + " " + new string('z', length - text.Length - 1);
        Assert.Null(Only($"maxTop{n}GramFraction", inside));
        Assert.Equal($"gopherRepetition.maxTop{n}GramFraction", Only($"maxTop{n}GramFraction", inside[..^2]));
    }

    [Theory]
    [InlineData(5, 0.15)]
    [InlineData(6, 0.14)]
    [InlineData(7, 0.13)]
    [InlineData(8, 0.12)]
    [InlineData(9, 0.11)]
    [InlineData(10, 0.10)]
    public void Repeated_grams_have_their_share(int n, double share)
    {
        // Twice n words of 3 letters: the second time counts, without spaces.
        var gram = string.Join(' ', Enumerable.Range(0, n).Select(index => "wo" + (char)('a' + index)));
        var text = gram + " one " + gram + " ";
        var counted = 3 * n;
        var length = (int)(counted / share);
        while ((double)counted / length > share) length++;
        var inside = text + new string('z', length - text.Length);
        Assert.Null(Only($"maxDuplicate{n}GramFraction", inside));
        Assert.Equal($"gopherRepetition.maxDuplicate{n}GramFraction", Only($"maxDuplicate{n}GramFraction", inside[..^2]));
    }

    [Fact]
    public void Figures_are_those_of_datatroves_formulas_on_any_words() =>
        Check.Sample(
            Gen.OneOf(
                Gen.Int[0, Alphabet.Length - 1].Array[0, 60],
                Gen.Int[0, 1].Array[0, 200],
                Gen.Int[0, Alphabet.Length - 1].Array[100, 400]
            ),
            picks =>
            {
                var words = picks.Select(pick => Alphabet[pick]).ToArray();
                var text = string.Join(' ', words);
                var values = Judged.Measures(Filter, text);
                for (var n = 2; n <= 10; n++)
                {
                    var expected =
                        text.Length == 0 || words.Length < n
                            ? double.NaN
                            : Math.Min(1, (n < 5 ? TopByDefinition(words, n) : DuplicateByDefinition(words, n)) / (double)text.Length);
                    Assert.Equal(expected, values[4 + n - 2]);
                }
            },
            iter: 400
        );

    [Fact]
    public void Texts_of_one_word_or_none_have_no_grams()
    {
        Assert.True(double.IsNaN(Judged.Value(Filter, "gopher_repetition_top_2_gram_fraction", "word")));
        Assert.All(Judged.Measures(Filter, ""), value => Assert.True(double.IsNaN(value)));
        Assert.Equal(0.5, Judged.Value(Filter, "gopher_repetition_duplicate_line_fraction", "\n\n"));
    }

    [Fact]
    public void Other_languages_have_FineWeb2s_rules()
    {
        Assert.Equal(10, Filter.Rules("ko").Count);
        Assert.Equal(13, Filter.Rules("en").Count);
        Assert.Equal(0.374, Filter.Rules("ko")[0].Threshold);
        Assert.Equal("gopherRepetition.maxDuplicateLineFraction", Filter.Rules("ko")[0].Reason);
    }

    // The definitions as the paper's implementation states them, quadratic and plain.
    private static int TopByDefinition(string[] words, int n)
    {
        var grams = Enumerable.Range(0, words.Length - n + 1).Select(at => string.Join(' ', words.Skip(at).Take(n))).ToList();
        var best = grams.GroupBy(gram => gram, StringComparer.Ordinal).OrderByDescending(group => group.Count()).First();
        return best.Key.Length * best.Count();
    }

    private static int DuplicateByDefinition(string[] words, int n)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var chars = 0;
        for (var at = 0; at + n <= words.Length;)
        {
            if (seen.Add(string.Join(' ', words.Skip(at).Take(n))))
            {
                at++;
                continue;
            }
            chars += words.Skip(at).Take(n).Sum(word => word.Length);
            at += n;
        }
        return chars;
    }
}
