using CsCheck;
using Dolmen.Data.Filters;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Data.Filters;

/// <summary>What holds of every family.</summary>
public class FilterBattery
{
    private static readonly FilterSettings All = new(
        new(), new(), new(), new(AllLanguages: true), new(), new(), new());

    private static readonly string[] Ratios = ["_fraction", "_ratio", "_punctuation"];

    public static TheoryData<string> Names => [.. FilterSet.Create(All).Select(filter => filter.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Any_text_is_measured_the_same_twice_and_within_bounds(string name)
    {
        var filter = FilterSet.Create(All).Single(filter => filter.Name == name);
        Gen.Select(Texts.Any, Gen.Int[0, 7])
            .Sample(
                (text, pick) =>
                {
                    var language = new[] { "en", "zh", "ja", "th", "my", "ko", "fr", "und" }[pick];
                    var values = Judged.Measures(filter, text, language);
                    Assert.Equal(values, Judged.Measures(filter, text, language));
                    for (var index = 0; index < values.Length; index++)
                    {
                        Assert.False(double.IsInfinity(values[index]));
                        if (
                            Ratios.Any(ending => filter.Measures[index].EndsWith(ending, StringComparison.Ordinal))
                            && !double.IsNaN(values[index])
                            && !filter.Measures[index].EndsWith("newline_ratio", StringComparison.Ordinal)
                        )
                            Assert.InRange(
                                values[index],
                                0,
                                filter.Measures[index].EndsWith("_ratio", StringComparison.Ordinal) ? double.MaxValue : 1
                            );
                    }
                },
                iter: 150
            );
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Editing_twice_changes_nothing_more(string name)
    {
        var filter = FilterSet.Create(All).Single(filter => filter.Name == name);
        Texts.Any.Sample(text =>
        {
            var once = Judged.Edited(filter, text);
            Assert.Equal(once, Judged.Edited(filter, once));
        }, iter: 200);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Rules_name_a_setting_of_their_family_and_measures_the_family(string name)
    {
        var filter = FilterSet.Create(All).Single(filter => filter.Name == name);
        var settings = typeof(FilterSettings).GetProperty(char.ToUpperInvariant(name[0]) + name[1..])!.PropertyType;
        foreach (var language in LanguageThresholds.Languages.Append("und"))
        {
            Assert.All(filter.Rules(language), rule =>
            {
                var key = rule.Reason.Split('.');
                Assert.Equal((name, 2), (key[0], key.Length));
                Assert.NotNull(settings.GetProperty(char.ToUpperInvariant(key[1][0]) + key[1][1..]));
                Assert.InRange(rule.Measure, 0, filter.Measures.Count - 1);
            });
        }
        Assert.Equal(filter.Measures, filter.Measures.Distinct(StringComparer.Ordinal));
    }

    [Fact]
    public void Documents_do_not_depend_on_each_other()
    {
        var texts = Enumerable.Range(0, 50).Select(index => Judged.Repeat($"The cats and dogs number {index}.\n", index)).ToList();
        var filters = FilterSet.Create(All);
        List<string?> Judge(IEnumerable<string> documents) =>
            [
                .. documents
                    .AsParallel()
                    .AsOrdered()
                    .Select(text => filters.Select(filter => Judged.By(filter, text)).FirstOrDefault(reason => reason is not null)),
            ];
        var forward = Judge(texts);
        var backward = Judge(texts.AsEnumerable().Reverse());
        backward.Reverse();
        Assert.Equal(forward, backward);
        Assert.InRange(forward.Distinct().Count(), 2, forward.Count);    // verdicts differ, so that a mixed-up order shows
    }

    [Fact]
    public void Good_prose_is_kept_by_FineWebs_families()
    {
        var text = string.Join(
            '\n',
            Enumerable
                .Range(0, 10)
                .Select(index =>
                    $"The {Ordinal(index)} stone that people of the village set upright stands with its {Ordinal(index + 5)} neighbour on "
                        + $"a hill above the {Ordinal(index + 9)} river and the sea."
                )
        );
        Assert.All(
            FilterSet.Create(FilterSettings.FineWeb),
            filter => Assert.True(filter.Name is "gopherRepetition" || Judged.By(filter, text) is null, Judged.By(filter, text))
        );
    }

    [Fact]
    public void Families_stand_in_FineWebs_order()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(
            ["length", "gopherRepetition", "gopherQuality", "c4", "lines", "c4Paragraph", "fineWebQuality", "badWords"],
            FilterSet.Create(All with { BadWords = new(folder.Path) }).Select(filter => filter.Name));
        Assert.Empty(FilterSet.Create(new()));
    }

    [Fact]
    public void Forty_languages_have_thresholds_that_make_sense()
    {
        Assert.Equal(40, LanguageThresholds.Languages.Count());
        foreach (var language in LanguageThresholds.Languages)
        {
            var thresholds = LanguageThresholds.For(language);
            Assert.InRange(thresholds.LanguageScore!.Value, 0.3, 0.9);
            Assert.True(thresholds.FunctionWords.Count >= 7, language);
            if (language == "en") continue;
            Assert.True(thresholds is { TopNGrams.Length: 3, DuplicateNGrams.Length: 6 }, language);
            Assert.True(thresholds.MinMeanWordLength < thresholds.MaxMeanWordLength, language);
        }
        Assert.Equal(
            (0.842, 6.0, 0.201),
            (
                LanguageThresholds.For("ko").LanguageScore!.Value,
                LanguageThresholds.For("ko").MaxMeanWordLength!.Value,
                LanguageThresholds.For("ko").DuplicateNGrams![0]
            )
        );
    }

    [Theory]
    [InlineData("x")]
    [InlineData("\n")]
    [InlineData("a ")]
    [InlineData("中")]
    [InlineData("\u0301")]
    [InlineData("\uD800")]
    [InlineData("ก")]
    [InlineData("[1]")]
    [InlineData("..")]
    public void A_long_single_line_or_nothing_but_one_sign_ends_in_linear_time(string piece)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var text = Judged.Repeat(piece, 200_000);
        foreach (var filter in FilterSet.Create(All)) Judged.By(filter, text, "th");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60));
    }

    private static string Ordinal(int index) =>
        new[] { "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth" }[index % 10];
}
