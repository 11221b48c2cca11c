using Dolmen.Artifacts;
using Dolmen.Data.Reports;

namespace Dolmen.Tests.Data.Reports;

public sealed class InspectedDocuments(BuiltFixture corpora) : IClassFixture<BuiltFixture>
{
    private static IReadOnlyList<InspectedDocument> Find(string directory, InspectQuery query) =>
        CorpusInspection.Find(directory, query, CancellationToken.None);

    [Fact]
    public void All_documents_are_there_in_order_and_each_with_its_own_text()
    {
        var all = Find(corpora.Build("fifth", heldOut: 0.2), new InspectQuery(Limit: 1000, Full: true));
        Assert.Equal(180, all.Count);
        Assert.Equal(
            [.. Enumerable.Range(0, 3).SelectMany(f => Enumerable.Range(0, 60).Select(i => $"doc-{f}-{i}"))],
            all.Select(d => d.Id)
        );
        Assert.Contains(all, d => d.HeldOut);
        foreach (var d in all)
        {
            var (f, i) = (int.Parse(d.Id.Split('-')[1], null), int.Parse(d.Id.Split('-')[2], null));
            Assert.Equal($"https://www.site{i % 4}.example/{f}/{i}", d.Url);
            if (i % 10 >= 5) Assert.Equal(BuiltFixture.Text((f * 100) + i, 60 + i), d.Text);
        }
    }

    [Fact]
    public void Reasons_families_languages_and_decisions_filter()
    {
        var directory = corpora.Build("corpus");
        var short_ = Find(directory, new InspectQuery(Reason: "gopherQuality.minWords", Limit: 1000));
        Assert.NotEmpty(short_);
        Assert.All(short_, d => Assert.True(d.Reason == "gopherQuality.minWords" && d.Value < 50 && d.Threshold == 50));
        Assert.True(Find(directory, new InspectQuery(Reason: "gopherQuality", Limit: 1000)).Count >= short_.Count);
        Assert.Empty(Find(directory, new InspectQuery(Reason: "gopherQual", Limit: 1000)));
        var (kept, dropped) = (
            Find(directory, new InspectQuery(Kept: true, Limit: 1000)),
            Find(directory, new InspectQuery(Kept: false, Limit: 1000))
        );
        Assert.Equal(Find(directory, new InspectQuery(Limit: 1000)).Count, kept.Count + dropped.Count);
        Assert.InRange(kept.Count, 1, 999);
        Assert.All(kept, d => Assert.Equal("", d.Reason));
        Assert.All(dropped, d => Assert.NotEqual("", d.Reason));
        Assert.Equal(
            180,
            Find(directory, new InspectQuery(Kept: true, Limit: 1000)).Count
                + Find(directory, new InspectQuery(Kept: false, Limit: 1000)).Count
        );
        Assert.Empty(Find(directory, new InspectQuery(Language: "ko")));
        Assert.Equal(7, Find(directory, new InspectQuery(Limit: 7)).Count);
    }

    [Fact]
    public void Measures_bound_and_a_value_that_equals_its_bound_is_in()
    {
        var directory = corpora.Build("corpus");
        MeasureBound[] bound = [new("gopher_quality_words", 65)];
        var (least, most) = (
            Find(directory, new InspectQuery(Min: bound, Limit: 1000)),
            Find(directory, new InspectQuery(Max: bound, Limit: 1000))
        );
        var both = Find(directory, new InspectQuery(Min: bound, Max: bound, Limit: 1000));
        Assert.Equal(180, least.Count + most.Count - both.Count);
        Assert.Contains(both, d => d.Id == "doc-1-5");
        Assert.Contains(
            "did you mean 'gopher_quality_words'",
            Assert.Throws<UserErrorException>(() => Find(directory, new InspectQuery(Min: [new("gopher_quality_word", 1)]))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Search_looks_in_texts_and_addresses() =>
        Assert.Multiple(
            () =>
            {
                var found = Find(corpora.Build("corpus"), new InspectQuery(Search: "VISIT NUMBER 1"));
                Assert.NotEmpty(found);
                Assert.All(found, d => Assert.StartsWith("doc-1-", d.Id, StringComparison.Ordinal));
            },
            () =>
                Assert.Equal(
                    ["doc-2-7"],
                    Find(corpora.Build("corpus"), new InspectQuery(Search: "example/2/7"))
                        .Where(d => d.Url.EndsWith("/2/7", StringComparison.Ordinal))
                        .Select(d => d.Id)
                ),
            () => Assert.Empty(Find(corpora.Build("corpus"), new InspectQuery(Search: "no such words")))
        );

    [Fact]
    public void A_document_by_id_shows_its_lines_before_and_after_and_every_rule()
    {
        var document = Assert.Single(Find(corpora.Build("corpus"), new InspectQuery(Id: "doc-0-3")));
        var pairs = LinePairs.Of(document.Before!, document.Text!);
        Assert.Equal(
            ["We use cookies to improve what you see.", "Please enable javascript now please."],
            pairs.Where(p => p.After is null).Select(p => p.Before)
        );
        var unchanged = pairs.Where(p => p.After is not null).ToList();
        Assert.NotEmpty(unchanged);
        Assert.All(unchanged, p => Assert.Equal(p.Before, p.After));
        var words = Assert.Single(document.Measures, m => m.Reason == "gopherQuality.minWords");
        Assert.Equal(("≥", 50, false), (words.Sign, words.Threshold, words.Breaks));
        Assert.True(words.Value >= 70);
    }

    [Fact]
    public void Lines_that_lost_marks_stand_beside_what_is_left() =>
        Assert.Equal(
            [new LinePair("One [1] two.", "One  two."), new("Gone", null), new("", ""), new("End.", "End.")],
            LinePairs.Of("One [1] two.\nGone\n\nEnd.", "One  two.\n\nEnd.")
        );
}
