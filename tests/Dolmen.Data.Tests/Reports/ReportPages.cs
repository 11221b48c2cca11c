using System.Text.RegularExpressions;
using Dolmen.Artifacts;
using Dolmen.Data.Reports;

namespace Dolmen.Tests.Data.Reports;

public sealed partial class ReportPages(BuiltFixture corpora) : IClassFixture<BuiltFixture>
{
    [Fact]
    public void The_page_loads_nothing_runs_nothing_and_shows_what_pages_hold_as_text()
    {
        const string hostile = "</pre></dd><script>alert(1)</script><img src=http://tracker.example/x.png onerror=alert(2)>";
        using var own = new BuiltFixture();
        var directory = own.Add("evil\"><b>", "https://evil.example/<script>", $"{hostile} {BuiltFixture.Text(7, 38)}").Build("corpus");
        var page = File.ReadAllText(CorpusReportPage.Write(directory));
        Assert.Equal(Path.Combine(directory, "report.html"), CorpusReportPage.Write(directory));
        Assert.Contains("alert(1)", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<b>\"", page, StringComparison.Ordinal);
        Assert.DoesNotMatch(Loading(), page);
        Assert.StartsWith("<!doctype html>", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_counts_what_the_build_counted()
    {
        var directory = corpora.Build("tenth", heldOut: 0.1);
        var built = BuiltCorpus.Open(directory).Report;
        var page = File.ReadAllText(CorpusReportPage.Write(directory));
        Assert.Contains($"{built.Kept:N0} of {built.Read:N0} documents are kept", page, StringComparison.Ordinal);
        foreach (var (reason, count) in built.Dropped)
            Assert.Contains($"<td>{reason}</td><td>{count:N0}</td>", page, StringComparison.Ordinal);
        foreach (var site in (string[])["site0.example", "site1.example", "site2.example", "site3.example"])
            Assert.Contains($"<td>{site}</td><td>45</td>", page, StringComparison.Ordinal);
        Assert.Contains("≥ 50", page, StringComparison.Ordinal);
        Assert.Contains("Unicode CLDR", page, StringComparison.Ordinal);
        Assert.Contains("CC-MAIN-2026-04", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Both_sides_of_every_threshold_are_counted_over_all_documents()
    {
        var directory = corpora.Build("corpus");
        var corpus = BuiltCorpus.Open(directory);
        var rules = new RowRules(corpus.Recipe([]));
        var figures = CorpusFigures.Of(corpus, rules, 2, CancellationToken.None);
        var judged = CorpusInspection
            .Find(directory, new InspectQuery(Limit: 1000, Full: true), CancellationToken.None)
            .SelectMany(d => d.Measures)
            .Where(m => m.Reason is not null && m.Value is not null)
            .ToList();
        Assert.NotEmpty(figures.Rules);
        foreach (var (reason, rule) in figures.Rules)
        {
            Assert.Equal(judged.Count(m => m.Reason == reason && m.Breaks), rule.Outside);
            Assert.Equal(judged.Count(m => m.Reason == reason && !m.Breaks), rule.Inside);
        }
        for (var i = 0; i < rules.Names.Count; i++)
            Assert.Equal(
                figures.Histograms[i].Count,
                figures.Histograms[i].IsFraction
                    ? figures.Histograms[i].Bars().Sum(b => b.Count)
                    : figures.Histograms[i].Bars().Sum(b => b.Count) + figures.Histograms[i].Zeros
            );
    }

    [Fact]
    public void Examples_are_the_nearest_on_either_side()
    {
        var directory = corpora.Build("corpus");
        var corpus = BuiltCorpus.Open(directory);
        var examples = BoundaryExamples.Of(corpus, new RowRules(corpus.Recipe([])));
        var all = CorpusInspection.Find(directory, new InspectQuery(Limit: 1000, Full: true), CancellationToken.None);
        var inside = all.Where(d => d.Reason.Length == 0)
            .Select(d => d.Measures.Single(m => m.Reason == "gopherQuality.minWords").Value!.Value)
            .Order()
            .Take(2);
        var outside = all.Where(d => d.Reason == "gopherQuality.minWords").Select(d => d.Value!.Value).OrderDescending().Take(2);
        Assert.Equal(inside, examples.Inside("gopherQuality.minWords").Select(e => e.Value));
        Assert.Equal(outside, examples.Outside("gopherQuality.minWords").Select(e => e.Value));
        foreach (var e in examples.Outside("gopherQuality.minWords"))
            Assert.StartsWith(e.Opening[..20], all.Single(d => d.Id == e.Id).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://www.Example.org/a?b", "example.org")]
    [InlineData("http://user:pass@host.example:8080/x", "host.example")]
    [InlineData("https://host.example?x=a@b", "host.example")]
    [InlineData("no address", "")]
    public void A_site_is_the_host_without_www(string url, string site) => Assert.Equal(site, CorpusFigures.SiteOf(url));

    [Fact]
    public void Values_fall_into_bars_whose_bounds_hold_them()
    {
        var (fractions, counts) = (new Histogram(), new Histogram());
        foreach (var value in (double[])[0, 0.125, 1, double.NaN]) fractions.Add(value);
        foreach (var value in (double[])[0, 1, 50, 55.9, 56, 1e6, 1e-9]) counts.Add(value);
        Assert.Equal((3, true), (fractions.Count, fractions.IsFraction));
        Assert.Equal([(0.0, 1), (0.12, 1), (0.99, 1)], fractions.Bars().Where(b => b.Count > 0).Select(b => (b.From, (int)b.Count)));
        Assert.False(counts.IsFraction);
        Assert.Contains((48, 56, 2), counts.Bars());
        Assert.Contains((56, 64, 1), counts.Bars());
        Assert.Equal((7, 1, 6), (counts.Count, counts.Zeros, counts.Bars().Sum(b => b.Count)));
    }

    [Fact]
    public void A_language_is_under_represented_past_the_factor_and_varieties_count_as_one()
    {
        Assert.False(LanguageComparison.IsUnder(0.01, 0.04));
        Assert.True(LanguageComparison.IsUnder(0.0099, 0.04));
        var shares = LanguageComparison
            .Shares(
                new Dictionary<string, Flow>
                {
                    ["nb"] = new() { Kept = 1 },
                    ["no"] = new() { Kept = 1 },
                    ["en"] = new() { Kept = 6 },
                    ["und"] = new() { Kept = 99 },
                }
            )
            .ToDictionary(s => s.Code);
        Assert.Equal((0.25, 0.75, 0), (shares["no"].Corpus, shares["en"].Corpus, shares["hi"].Corpus));
        Assert.Equal(1, shares.Values.Sum(s => s.World), 1e-9);
    }

    [Fact]
    public void A_folder_without_measurements_is_refused() => Assert.Throws<UserErrorException>(() => CorpusReportPage.Write(corpora.Root));

    [GeneratedRegex(
        "<(script|link|iframe|object|embed|img|image|use)|(src|href|srcset)\\s*=\\s*[\"']|url\\(|@import",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex Loading();
}
