using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Building;
using Dolmen.Evaluation;
using Dolmen.Pipeline;
using Dolmen.Pipeline.Recipes;
using Dolmen.Pipeline.Reports;
using Dolmen.Pipeline.Stages;
using Dolmen.Tests.Fakes;
using Dolmen.Training;

namespace Dolmen.Tests.Pipeline;

public sealed class Reports : IDisposable
{
    private const string Attack = "<script>alert('&')</script>";

    private readonly TemporaryFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void The_report_loads_nothing_and_runs_nothing()
    {
        var html = Html();
        Assert.DoesNotMatch(
            new Regex("(src|href|url|@import|http-equiv)\\s*[=(]|https?://|<script|<iframe|<link", RegexOptions.IgnoreCase),
            html
        );
    }

    [Fact]
    public void Texts_of_documents_prompts_and_answers_are_escaped()
    {
        var html = Html();
        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(4, Regex.Count(html, "&lt;script&gt;"));           // a notice, a drop reason, a sample, an answer
    }

    [Fact]
    public void The_report_shows_results_curves_and_next_commands()
    {
        var html = Html();
        Assert.Contains("0.612 ± 0.015", WebUtility.HtmlDecode(html), StringComparison.Ordinal);
        Assert.Equal(3, Regex.Count(html, "<svg "));                    // base loss, base bits per byte, DPO accuracy; SFT wrote nothing
        Assert.Contains($"{CommandName.Shown} chat --model ", html, StringComparison.Ordinal);
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
        var result = Result();
        File.WriteAllText(Path.Combine(_temp.Path, "results.json"), result.ToFile());
        var here = result with { Out = _temp.Path, Model = Path.Combine(_temp.Path, Path.GetRelativePath(result.Out, result.Model)) };
        Assert.Equal(here.ToJson(), PipelineResult.Read(_temp.Path).ToJson());
        Assert.DoesNotContain(_temp.Path, result.ToFile(), StringComparison.Ordinal);
        Assert.Contains("\"out\": \".\"", result.ToFile(), StringComparison.Ordinal);
    }

    private string Html()
    {
        Write("base/metrics.jsonl", "{\"step\":10,\"tokens\":81920,\"loss\":5.1}\n{\"step\":20,\"tokens\":163840,\"loss\":4.1}\n" +
            $"{{\"step\":20,\"valLoss\":4.3,\"bitsPerByte\":1.9,\"sample\":\"{Attack}\"}}\n");
        Write("dpo/metrics.jsonl", "{\"step\":10,\"rewards/accuracies\":0.5}\n{\"step\":20,\"rewards/accuracies\":0.9}\n");
        Write(
            "evaluation/answers.jsonl",
            $"{{\"model\":\"base\",\"answer\":{{\"set\":\"known\",\"prompt\":\"not shown\",\"answer\":\"\",\"refused\":false}}}}\n"
                + $"{{\"model\":\"dpo\",\"answer\":{{\"set\":\"known\",\"prompt\":\"What is "
                + $"X?\",\"answer\":\"{Attack}\",\"refused\":false}}}}\n"
        );
        return ReportPage.Html(Result(), RecipeFile.Load("quickstart", new RecipeChanges()), Corpus());
    }

    private PipelineResult Result()
    {
        static JsonObject Scores(double bits, double accuracy, double error) => EvaluationFolder.ToNode(new EvaluationResult([
            new("bits-per-byte", "bits_per_byte", "none", bits, null, 100, false),
            new("multiple-choice", "acc_norm", "none", accuracy, error, 1000, true),
        ]));
        var evaluation = new JsonObject { ["base"] = Scores(1.5, 0.512, 0.016), ["dpo"] = Scores(1.6, 0.612, 0.015) };
        return new PipelineResult(
            _temp.Path,
            Path.Combine(_temp.Path, "model"),
            61,
            1 << 30,
            1_300_000,
            500_000,
            3600,
            "assumed",
            1,
            new Dictionary<string, TrainingOutcome> { ["base"] = new(500_000, 60, 50, 10_000, 3.1, 1.5, 1_300_000) },
            evaluation,
            [new StageCost("corpus", 1, 10, "assumed", 1 << 20, false), new StageCost("base", 60, 100, "assumed", 1 << 30, false)],
            [Attack],
            "0123456789abcdef",
            MachineSnapshot.Take()
        );
    }

    private static CorpusReport Corpus() =>
        new(
            3,
            100,
            123456,
            10,
            90,
            5,
            4000,
            new Dictionary<string, long> { [Attack] = 7 },
            new Dictionary<string, long>(),
            50,
            20,
            5,
            1,
            5,
            5,
            5,
            [],
            [],
            [],
            []
        );

    private void Write(string file, string text)
    {
        var path = Path.Combine(_temp.Path, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path) ?? _temp.Path);
        File.WriteAllText(path, text);
    }
}
