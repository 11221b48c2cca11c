using System.Net;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Pipeline;
using Dolmen.Pipeline.Reports;
using Dolmen.Pipeline.Stages;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Pipeline;

public sealed class Reports : IDisposable
{
    private readonly TemporaryFolder _temp = new();

    private SmallReport Small => new(_temp.Path);

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void The_report_loads_nothing_and_runs_nothing()
    {
        var html = Small.Html();
        Assert.DoesNotMatch(
            new Regex("(src|url|@import)\\s*[=(]|href=(?!\"#)|https?://|<script|<iframe|<link", RegexOptions.IgnoreCase),
            html
        );
        Assert.Contains("content=\"default-src 'none'; style-src 'unsafe-inline'\"", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Texts_of_documents_prompts_and_answers_are_escaped()
    {
        var html = Small.Html();
        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(4, Regex.Count(html, "&lt;script&gt;"));           // a notice, a drop reason, a sample, an answer
    }

    [Fact]
    public void The_first_screen_says_what_was_built_how_good_it_is_and_what_to_type()
    {
        var html = Small.Html();
        var first = Words(html[..html.IndexOf("id=\"scores\"", StringComparison.Ordinal)]);
        string[] inOrder =
        [
            "made from the XML API documentation of the .NET SDK", "100 documents read", "1.3 million parameters", "500,000 tokens",
            "1 min 1 s", "60.0 % ± 3.0", "10.0 % ± 2.0", "61.2 % ± 1.5", "Guessing reaches 25 %", "24 standard errors above it",
            "1.500 ± 0.010",
            $"{CommandName.Shown} chat --model ", $"{CommandName.Shown} serve --model ",
        ];
        var from = 0;
        foreach (var text in inOrder)
        {
            var at = first.IndexOf(text, from, StringComparison.Ordinal);
            Assert.True(at >= 0, $"'{text}' does not stand after the text before it in: {first}");
            from = at;
        }
    }

    [Theory]
    [InlineData(0.27, "this does not differ from it.")]
    [InlineData(0.1, "this is 10 standard errors below it.")]
    public void A_model_no_better_than_guessing_is_said_to_be_so(double accuracy, string says) =>
        Assert.Contains(
            $"Guessing reaches 25 %: {says}", Words(new SmallReport(_temp.Path) { Accuracy = accuracy }.Html()), StringComparison.Ordinal);

    [Fact]
    public void A_model_that_was_not_aligned_is_not_told_of_what_did_not_run()
    {
        var text = Words(new SmallReport(_temp.Path) { BaseOnly = true }.Html());
        Assert.Contains("It was not taught to answer questions.", text, StringComparison.Ordinal);
        Assert.Contains("guessing reaches 0.25", text, StringComparison.Ordinal);
        Assert.DoesNotContain("SFT and DPO train", text, StringComparison.Ordinal);
        Assert.DoesNotContain("of these", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("true", "SFT: loss on prompts and answers")]
    [InlineData("false", "SFT: loss on the answers")]
    public void The_curve_of_SFT_says_what_was_learned(string learnPrompts, string title) =>
        Assert.Contains(title, new SmallReport(_temp.Path) { Set = [$"sft.learnPrompts={learnPrompts}"] }.Html(), StringComparison.Ordinal);

    [Fact]
    public void Answers_that_were_not_judged_are_not_counted_and_the_first_are_not_called_chance()
    {
        var text = Words(Small.Html());
        Assert.Contains("They are the first of each kind; the scores above count all that were asked.", text, StringComparison.Ordinal);
        Assert.DoesNotContain("0 of these 0", text, StringComparison.Ordinal);
        Assert.DoesNotContain("by chance", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_line_of_samples_or_held_out_text_is_named()
    {
        Small.Write("evaluation/samples.jsonl", "{\"model\":\"dpo\",\n");
        Assert.Contains("samples.jsonl is", Assert.Throws<UserErrorException>(Small.Html).Message, StringComparison.Ordinal);
        Small.Write("heldout.jsonl", "{\"id\":\"a\",\n");
        Assert.Contains("heldout.jsonl is", Assert.Throws<UserErrorException>(() => CompressedText.BitsPerByte(_temp.Path)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_report_shows_results_curves_and_every_setting_of_the_recipe()
    {
        var html = Small.Html();
        Assert.Contains("0.612 ± 0.015", Words(html), StringComparison.Ordinal);
        Assert.Equal(4, Regex.Count(html, "<svg "));                    // base loss, base bits per byte, SFT loss, DPO accuracy
        Assert.Contains("<section><h3>run</h3><table><tr><th scope=\"row\">seed</th><td>1</td></tr>\n<tr><th scope=\"row\">minutes</th>"
            + "<td>8</td>", html, StringComparison.Ordinal);
        foreach (var part in (string[])["shares", "corpus", "tokenizer", "model", "training", "base", "sft", "dpo", "evaluation"])
            Assert.Contains($"<section><h3>{part}</h3><table>", html, StringComparison.Ordinal);
        Assert.Contains("<th scope=\"row\">contextLength</th><td>", html, StringComparison.Ordinal);
        Assert.Contains("<th scope=\"row\">refusal</th><td>maxInvented 200", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Parts_of_a_score_have_a_table_of_their_own_for_the_last_model()
    {
        var text = Words(Small.Html());
        Assert.Contains("open-book of the dpo model, in parts part openbook_exact n returns 0.710 ± 0.030 90", text,
            StringComparison.Ordinal);
        Assert.Equal(1, Regex.Count(text, "0\\.710"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Headings_are_in_order_cells_have_heads_and_links_have_ends(bool baseOnly)
    {
        Small.Write("evaluation/samples.jsonl", SmallReport.OpenBookSamples);
        var html = new SmallReport(_temp.Path) { BaseOnly = baseOnly }.Html();
        var levels = Regex.Matches(html, "<h([1-6])[ >]").Select(match => match.Groups[1].Value[0] - '0').ToList();
        Assert.Equal(1, levels[0]);
        Assert.Single(levels, 1);
        Assert.All(levels.Zip(levels.Skip(1)), pair => Assert.True(pair.Second <= pair.First + 1));
        Assert.DoesNotMatch("<th(?! scope=)", html.Replace("<thead", "", StringComparison.Ordinal));
        var ids = Regex.Matches(html, " id=\"([^\"]+)\"").Select(match => match.Groups[1].Value).ToList();
        Assert.Equal(ids.Distinct(), ids);
        var links = Regex.Matches(html, "href=\"#([^\"]+)\"").Select(match => match.Groups[1].Value).ToList();
        Assert.Contains("settings", links);
        Assert.All(links, link => Assert.Contains(link, ids));
        foreach (var element in (string[])["main", "section", "table", "div", "ul", "ol", "dl", "svg", "nav"])
            Assert.Equal(Regex.Count(html, $"<{element}[ >]"), Regex.Count(html, $"</{element}>"));
    }

    [Fact]
    public void Answers_from_documents_are_shown_good_and_bad_with_their_sources()
    {
        Small.Write("evaluation/samples.jsonl", SmallReport.OpenBookSamples);
        var text = Words(Small.Html());
        Assert.Contains("1 of these 2 are right", text, StringComparison.Ordinal);
        Assert.Contains("What does `A.B()` do? ✓ right Opens it. Source: A.B() (A.xml). Also read: A.C()", text,
            StringComparison.Ordinal);
        Assert.Contains("✗ wrong Closes it. Right would be: The documents do not say. Read, none of which holds the answer: A.C()", text,
            StringComparison.Ordinal);
        Assert.DoesNotContain("not shown", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Documents_are_told_by_name_and_not_by_the_folders_of_the_machine()
    {
        var html = new SmallReport(_temp.Path) { Inputs = ["/home/someone/private/manual/"] }.Html();
        Assert.Contains("made from manual:", html, StringComparison.Ordinal);
        Assert.DoesNotContain("someone", html, StringComparison.Ordinal);
        var list = Path.Combine(_temp.Path, "list.txt");
        File.WriteAllText(list, "");
        html = new SmallReport(_temp.Path) { Set = [$"training.samplePrompt={list}"] }.Html();
        Assert.DoesNotContain($"<td>{list}", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Tables_of_n_grams_are_told_of_where_there_are_some_and_what_they_bring_of_the_corpus_it_was_measured_on()
    {
        var own = (DolmenConfig)SmallModels.All["dolmen"];
        Assert.StartsWith("The model has n-gram tables", BaseStage.PortabilityNotice(own, defaultCorpus: true), StringComparison.Ordinal);
        Assert.Contains("13 %", BaseStage.PortabilityNotice(own, defaultCorpus: true), StringComparison.Ordinal);
        Assert.DoesNotContain("13 %", BaseStage.PortabilityNotice(own, defaultCorpus: false), StringComparison.Ordinal);
        Assert.Null(BaseStage.PortabilityNotice(own with { BigramRows = 0, TrigramRows = 0 }, defaultCorpus: true));
        Assert.Null(BaseStage.PortabilityNotice(own.Portable(), defaultCorpus: true));
        var looking = BaseStage.PortabilityNotice(own with { BigramRows = 0, TrigramRows = 0, MatchTokens = 4 }, defaultCorpus: true);
        Assert.StartsWith("The model has look-ups of how the text went on before, which only Dolmen", looking, StringComparison.Ordinal);
        Assert.DoesNotContain("13 %", looking, StringComparison.Ordinal);
    }

    [Fact]
    public void Gzip_is_measured_on_the_held_out_text_where_there_is_some()
    {
        var file = Path.Combine(_temp.Path, "heldout.jsonl");
        Assert.Null(CompressedText.BitsPerByte(_temp.Path));
        File.WriteAllText(file, "");
        Assert.Null(CompressedText.BitsPerByte(_temp.Path));
        File.WriteAllText(file, $"{{\"id\":\"a\",\"text\":\"{new string('a', 10_000)}\"}}\n");
        Assert.InRange(CompressedText.BitsPerByte(_temp.Path)!.Value, 0.001, 0.1);
    }

    [Fact]
    public void A_chart_is_well_formed_and_keeps_its_points_inside()
    {
        var points = Enumerable.Range(0, 50).Select(i => new CurvePoint(i * 1000, Math.Exp(-i / 10.0) * 1e-3)).ToList();
        var figure = XElement.Parse(LineChart.Svg("a < b", "step", "loss", [new ChartSeries("one & only", points)]));
        var line = figure.Descendants("polyline").Single().Attribute("points")?.Value ?? "";
        var drawn = line.Split(' ').Select(point => point.Split(',').Select(double.Parse).ToArray()).ToList();
        Assert.Equal(points.Count, drawn.Count);
        Assert.All(drawn, point => Assert.True(point[0] is >= 0 and <= 640 && point[1] is >= 0 and <= 300));
        Assert.True(drawn.Zip(drawn.Skip(1)).All(pair => pair.First[0] < pair.Second[0] && pair.First[1] <= pair.Second[1]));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(5, 1)]
    public void A_chart_of_a_single_point_or_none_is_drawn_all_the_same(double value, int count)
    {
        var svg = LineChart.Svg("t", "x", "y", [new ChartSeries("s", [.. Enumerable.Repeat(new CurvePoint(1, value), count)])]);
        Assert.Equal(count, Regex.Count(svg, "<circle"));
        Assert.DoesNotContain("NaN", svg, StringComparison.Ordinal);
    }

    [Fact]
    public void Metrics_are_read_past_lines_that_a_crash_cut_short()
    {
        var file = Path.Combine(_temp.Path, "metrics.jsonl");
        File.WriteAllText(
            file,
            "{\"step\":10,\"loss\":5.5}\n{\"step\":20,\"loss\":null}\n{\"step\":30,\"loss\":4.5,\"sample\":\"It is.\"}\n{\"step\":40,\"lo"
        );
        var curve = TrainingCurve.Read(file);
        Assert.Equal([new CurvePoint(10, 5.5), new CurvePoint(30, 4.5)], curve.Of("loss"));
        Assert.Equal([new TrainingSample(30, "It is.")], curve.Samples);
    }

    [Fact]
    public void Results_written_and_read_again_are_the_same()
    {
        var result = Small.Result();
        File.WriteAllText(Path.Combine(_temp.Path, "results.json"), result.ToFile());
        var here = result with { Out = _temp.Path, Model = Path.Combine(_temp.Path, Path.GetRelativePath(result.Out, result.Model)) };
        Assert.Equal(here.ToJson(), PipelineResult.Read(_temp.Path).ToJson());
        Assert.DoesNotContain(_temp.Path, result.ToFile(), StringComparison.Ordinal);
        Assert.Contains("\"out\": \".\"", result.ToFile(), StringComparison.Ordinal);
    }

    /// <summary>What a reader sees, on one line.</summary>
    private static string Words(string html) =>
        Regex.Replace(WebUtility.HtmlDecode(Regex.Replace(html, "<[^>]+>", " ")).Replace('\u00A0', ' '), "\\s+", " ");
}
