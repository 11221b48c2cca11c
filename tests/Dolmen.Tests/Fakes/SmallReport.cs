using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Data.Building;
using Dolmen.Evaluation;
using Dolmen.Pipeline;
using Dolmen.Pipeline.Recipes;
using Dolmen.Pipeline.Reports;
using Dolmen.Pipeline.Stages;
using Dolmen.Training;

namespace Dolmen.Tests.Fakes;

/// <summary>The report of a run that never was: a folder with a few metrics and answers, some of which attack the page.</summary>
internal sealed class SmallReport(string folder)
{
    public const string Attack = "<script>alert('&')</script>";

    /// <summary>As the open-book task writes them.</summary>
    public const string OpenBookSamples = """
        {"model":"sft","sample":{"set":"held-out","field":"summary","question":"not shown","answer":"","right":"","good":true,"f1":1,"refused":false,"sources":[]}}
        {"model":"dpo","sample":{"set":"held-out","field":"summary","question":"What does `A.B()` do?","answer":"Opens it.","right":"Opens it.","good":true,"f1":1,"refused":false,"sources":[{"id":"M:A.C","title":"A.C()","source":"A.xml","right":false},{"id":"M:A.B","title":"A.B()","source":"A.xml","right":true}]}}
        {"model":"dpo","sample":{"set":"invented","field":"","question":"What does `A.Z()` do?","answer":"Closes it.","right":"The documents do not say.","good":false,"f1":0,"refused":false,"sources":[{"id":"M:A.C","title":"A.C()","source":"A.xml","right":false}]}}

        """;

    public double Accuracy { get; init; } = 0.612;

    /// <summary>There was nothing to align on.</summary>
    public bool BaseOnly { get; init; }

    public IReadOnlyList<string> Set { get; init; } = [];

    public IReadOnlyList<string> Inputs { get; init; } = [];

    public string Html()
    {
        Write("base/metrics.jsonl", "{\"step\":10,\"tokens\":81920,\"loss\":5.1}\n{\"step\":20,\"tokens\":163840,\"loss\":4.1}\n" +
            $"{{\"step\":20,\"valLoss\":4.3,\"bitsPerByte\":1.9,\"sample\":\"{Attack}\"}}\n");
        if (!BaseOnly) Write("sft/metrics.jsonl", "{\"step\":10,\"loss\":3.5}\n{\"step\":20,\"loss\":3.1}\n");
        if (!BaseOnly) Write("dpo/metrics.jsonl", "{\"step\":10,\"rewards/accuracies\":0.5}\n{\"step\":20,\"rewards/accuracies\":0.9}\n");
        var text = string.Concat(Enumerable.Repeat("Returns the value. ", 40));
        Write("corpus/heldout.jsonl", $"{{\"id\":\"M:A\",\"text\":\"{text}\"}}\n");
        Write(
            "evaluation/answers.jsonl",
            $"{{\"model\":\"base\",\"answer\":{{\"set\":\"known\",\"prompt\":\"not shown\",\"answer\":\"\",\"refused\":false}}}}\n"
                + $"{{\"model\":\"dpo\",\"answer\":{{\"set\":\"known\",\"prompt\":\"What is "
                + $"X?\",\"answer\":\"{Attack}\",\"refused\":false}}}}\n"
        );
        var recipe = RecipeFile.Load("quickstart", new RecipeChanges(Set: Set)) with { Inputs = Inputs };
        return ReportPage.Html(Result(), recipe, Corpus());
    }

    public PipelineResult Result()
    {
        EvaluationResult Scores(double bits, double accuracy, double error) => new(
        [
            new("bits-per-byte", "bits_per_byte", "none", bits, 0.01, 100, false),
            new("multiple-choice", "acc_norm", "none", accuracy, error, 1000, true),
            new("refusal", "refusal_invented", "none", 0.6, 0.03, 200, true),
            new("refusal", "refusal_known", "none", 0.1, 0.02, 200, false),
            new("open-book", "openbook_exact", "returns", 0.71, 0.03, 90, true) { IsDetail = true },
        ])
        {
            Tasks = RecipeFile.Load("quickstart", new RecipeChanges()).Evaluation.Tasks,
        };
        (string, EvaluationResult)[] models =
            [("base", Scores(1.5, 0.512, 0.016)), ("sft", Scores(1.55, 0.55, 0.016)), ("dpo", Scores(1.6, Accuracy, 0.015))];
        var evaluation = JsonNode.Parse(EvaluationFolder.Json(BaseOnly ? models[..1] : models))!.AsObject();
        var training = new Dictionary<string, TrainingOutcome> { ["base"] = new(500_000, 60, 50, 10_000, 3.1, 1.5, 1_300_000) };
        if (!BaseOnly) training["sft"] = new(100_000, 10, 9, 10_000, 3.0, null, 1_300_000);
        if (!BaseOnly) training["dpo"] = new(50_000, 10, 9, 10_000, 0.5, null, 1_300_000);
        return new PipelineResult(
            folder,
            Path.Combine(folder, "model"),
            61,
            1 << 30,
            1_300_000,
            500_000,
            3600,
            "assumed",
            1,
            training,
            evaluation,
            [new StageCost("corpus", 1, 10, "assumed", 1 << 20, false), new StageCost("base", 60, 100, "assumed", 1 << 30, false)],
            [Attack],
            "0123456789abcdef",
            MachineSnapshot.Take()
        );
    }

    public void Write(string file, string text)
    {
        var path = Path.Combine(folder, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path) ?? folder);
        File.WriteAllText(path, text);
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
            ["An entry is held out when the stable hash of its id is below 0.05."],
            []
        );
}
