using Dolmen.Artifacts;
using Dolmen.Data.Filters;
using Dolmen.Data.Quality.Perplexity;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Data.Quality;

public sealed class NgramPerplexity : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 1)]
    [InlineData(5, 1)]
    [InlineData(3, 2)]
    [InlineData(5, 2)]
    public void Perplexity_is_that_of_Kneser_and_Ney_computed_another_way(int order, int minWord)
    {
        var texts = Corpus(120);
        var model = Fit(texts, new PerplexitySettings(Order: order, MinWord: minWord, MinNgram: 1));
        var reference = new KneserNeyByDefinition(texts, order, minWord);
        foreach (
            var text in (string[])[.. texts.Take(5), "b a d c e", "a zebra b", "zebra quagga", "a", "f f f f f f f f", "c b a\n\nd e a b"]
        )
            Assert.Equal(reference.Perplexity(text), model.Of(text), reference.Perplexity(text) * 1e-5);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void What_may_follow_a_context_has_probability_one_in_all_pruned_or_not(int minNgram)
    {
        var texts = Corpus(60);
        var model = Fit(texts, new PerplexitySettings(Order: 4, MinWord: 1, MinNgram: minNgram));
        string[] words = [.. texts.SelectMany(t => t.Split(' ', '\n')).Distinct()];
        foreach (var context in (string[])["", "a", "a b", "b a d", "f e f a"])
        {
            var total = words.Append("zebra").Sum(w => Probability(model, $"{context} {w}", fromEnd: 2));
            // A line without words is none, so that its end is not seen to follow its start.
            if (context.Length > 0) Assert.Equal(1, total + Probability(model, context, fromEnd: 1), 4);
            else Assert.InRange(total, 0.5, 1);
        }
    }

    [Fact]
    public void Text_like_the_training_text_is_less_perplexing_than_the_same_words_shuffled()
    {
        var model = Fit(Corpus(200), new PerplexitySettings(MinWord: 1));
        var text = Corpus(201)[200];
        var shuffled = string.Join(' ', text.Split(' ', '\n').Order(StringComparer.Ordinal));
        Assert.True(model.Of(text) * 1.5 < model.Of(shuffled), $"{model.Of(text)} and {model.Of(shuffled)}");
        Assert.True(model.Of("xqz wvk jjp qqr zzt") > 2 * model.Of(text));
        Assert.True(double.IsNaN(model.Of(" \n\t\n")));
    }

    [Theory]
    [InlineData(PerplexityUnit.Word)]
    [InlineData(PerplexityUnit.Char)]
    public void A_model_comes_back_from_its_file_and_does_not_depend_on_the_order_of_the_texts(PerplexityUnit unit)
    {
        var texts = Corpus(100);
        var settings = new PerplexitySettings(unit);
        TwoDomains.Write(In("texts.jsonl"), texts.Select(t => t.Replace("\n", "\\n", StringComparison.Ordinal)));
        var report = PerplexityTraining.Run([In("texts.jsonl")], [], In("one.safetensors"), settings, 3, CorpusFixture.NoProgress, default);
        File.WriteAllLines(In("texts.jsonl"), File.ReadAllLines(In("texts.jsonl")).Reverse());
        PerplexityTraining.Run([In("texts.jsonl")], [], In("two.safetensors"), settings, 3, CorpusFixture.NoProgress, default);
        Assert.Equal(File.ReadAllBytes(In("one.safetensors")), File.ReadAllBytes(In("two.safetensors")));
        var model = NgramModel.Load(In("one.safetensors"));
        Assert.Equal(report.Tokens, model.Card.Report.Tokens);
        Assert.True(model.Of(texts[0]) > 1);
    }

    [Fact]
    public void Raw_texts_beside_the_good_ones_say_how_well_perplexity_separates()
    {
        TwoDomains.Write(In("good.jsonl"), Enumerable.Range(0, 200).Select(i => TwoDomains.Text(true, i)));
        TwoDomains.Write(
            In("raw.jsonl"),
            Enumerable.Range(0, 50).Select(i => string.Join(' ', TwoDomains.Text(false, i).Select(c => (char)('a' + ((c * 7) % 26)))))
        );
        var report = PerplexityTraining.Run(
            [In("good.jsonl")],
            [In("raw.jsonl")],
            In("model.safetensors"),
            new PerplexitySettings(),
            0,
            CorpusFixture.NoProgress,
            default
        );
        Assert.True(report.Auc > 0.99);
        Assert.True(report.HeldOut?.P95 < report.Raw?.P5);
    }

    [Fact]
    public void The_filter_measures_and_bounds_perplexity_on_both_sides()
    {
        var filter = new PerplexityFilter(Fit(Corpus(50), new PerplexitySettings()), min: 2, max: 100);
        Span<double> values = stackalloc double[1];
        filter.Measure(TextView.Of("a b c", "en"), "en", values);
        Assert.True(values[0] > 1);
        Assert.Equal(["perplexity"], filter.Measures);
        Assert.Equal(["perplexity.max", "perplexity.min"], filter.Rules("en").Select(r => r.Reason));
        Assert.True(
            filter.Rules("en")[0].Breaks(100.1)
                && !filter.Rules("en")[0].Breaks(100)
                && filter.Rules("en")[1].Breaks(1.9)
                && !filter.Rules("en")[1].Breaks(2)
        );
    }

    [Fact]
    public void A_damaged_model_is_the_users_error()
    {
        Fit(Corpus(50), new PerplexitySettings()).Save(In("model.safetensors"));
        var bytes = File.ReadAllBytes(In("model.safetensors"));
        Assert.NotNull(NgramModel.Load(In("model.safetensors")));
        foreach (var length in (int[])[0, 7, 100, bytes.Length - 1])
        {
            File.WriteAllBytes(In("cut.safetensors"), bytes[..length]);
            Assert.Throws<UserErrorException>(() => NgramModel.Load(In("cut.safetensors")));
        }
        BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 4), 1.5f);
        File.WriteAllBytes(In("over.safetensors"), bytes);
        Assert.Throws<UserErrorException>(() => NgramModel.Load(In("over.safetensors")));
    }

    private static double Probability(NgramModel model, string text, int fromEnd)
    {
        var each = new List<double>();
        model.Surprise(text, each);
        return Math.Exp(-each[^fromEnd]);
    }

    private static NgramModel Fit(string[] texts, PerplexitySettings settings) =>
        PerplexityTraining.Fit(texts, settings, 0, texts.Length, default);

    // A walk over six words with habits, so that contexts tell something and counts of one to four occur in every order.
    private static string[] Corpus(int count) => [.. Enumerable.Range(0, count).Select(i =>
    {
        var random = new StableRandom((ulong)i + 77);
        var words = new List<string>();
        var at = random.Next(6);
        for (var w = 0; w < 8 + random.Next(8); w++)
        {
            words.Add(random.Next(40) == 0 ? $"rare{(char)('a' + random.Next(26))}" : ((char)('a' + at)).ToString());
            at = random.NextDouble() < 0.7 ? (at + 1) % 6 : random.Next(6);
        }
        return string.Join(' ', words[..5]) + "\n" + string.Join(' ', words[5..]);
    })];

    private string In(string name) => Path.Combine(_folder.Path, name);
}
