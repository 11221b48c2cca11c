using System.Text.Json;
using Dolmen.Evaluation;
using Dolmen.Retrieval;
using Dolmen.Evaluation.Tasks;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Evaluation;

public class Comparisons
{
    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(5, 5, 1)]
    [InlineData(0, 5, 0.0625)]                                            // 2/2⁵
    [InlineData(1, 9, 0.021484375)]                                       // 2·(1 + 10)/2¹⁰
    [InlineData(9, 1, 0.021484375)]
    [InlineData(2, 8, 0.109375)]                                          // 2·(1 + 10 + 45)/2¹⁰
    public void The_exact_McNemar_test_is_a_fair_coin_s(int onlyFirst, int onlySecond, double p) =>
        Assert.Equal(p, PairedComparison.McNemar(onlyFirst, onlySecond), 12);

    [Fact]
    public void Thousands_of_disagreements_neither_overflow_nor_underflow()
    {
        Assert.InRange(PairedComparison.McNemar(1000, 1000), 0.99, 1);
        Assert.InRange(PairedComparison.McNemar(10, 4000), 0, 1e-300);
        Assert.InRange(PairedComparison.McNemar(450, 550), 0.0015, 0.0019);   // normal approximation with continuity: 0.00173
    }

    [Fact]
    public void Models_are_paired_by_question_within_a_task()
    {
        var before = Result(("a", 0, 1), ("b", 0, 0), ("c", 0, 1), ("a", 2, 0));
        var after = Result(("c", 0, 0), ("b", 0, 0), ("a", 0, 0), ("d", 0, 0), ("a", 2, 0));
        var paired = PairedComparison.Of(before, after, "multiple-choice");
        Assert.Equal((3, 0, 2, 0.5), (paired.Questions, paired.OnlyFirst, paired.OnlySecond, paired.P));
        Assert.Equal(1, PairedComparison.Of(before, after, "multiple-choice-2shot").Questions);
    }

    [Fact]
    public void The_table_has_a_row_a_model_a_column_a_score_and_the_paired_difference()
    {
        var after = Result(("a", 0, 0));
        var table = EvaluationTable.Markdown([
            ("base", Result(("a", 0, 1))),
            ("dpo", after with
            {
                Scores = [.. after.Scores, new("bits-per-byte", "bits_per_byte", "none", 1.234, null, 9, false),
                    new("bits-per-byte", "bytes", "none", 4321, null, 9, null)],
            }),
        ]);
        Assert.Equal(
            """
            | model | acc_norm | acc_norm 2-shot | bits_per_byte |
            |---|---:|---:|---:|
            | base | 0.250 ± 0.014 | 0.500 | – |
            | dpo | 0.250 ± 0.014 | 0.500 | 1.234 |

            ± is one standard error. multiple-choice: n 1000; multiple-choice-2shot: n 1; bits-per-byte: n 9, 4321 bytes; seed 0.

            base → dpo, acc_norm of multiple-choice, paired: +1.000 over 1 questions (1 gained, 0 lost; McNemar exact p = 1.000).

            """, table);
    }

    [Fact]
    public void Columns_of_the_same_metric_name_their_tasks()
    {
        var result = new EvaluationResult([
            new("first", "acc", "none", 0.1, null, 1, true),
            new("second", "acc", "none", 0.2, null, 1, true),
        ]);
        Assert.Equal(["first: acc", "second: acc"], new EvaluationTable([("m", result)]).Titles);
        Assert.Equal(0.1, EvaluationFolder.ToNode(result)["acc"]?.GetValue<double>());
    }

    [Fact]
    public void A_folder_holds_the_scores_by_model_and_what_they_were_counted_from()
    {
        using var folder = new TemporaryFolder();
        EvaluationFolder.Write(folder.Path, [("base", Result(("a", 0, 1))), ("dpo", Result(("a", 0, 0)))]);
        var metrics = JsonDocument.Parse(folder.Read("evaluation.json")).RootElement.GetProperty("base");
        Assert.Equal(0.25, metrics.GetProperty("acc_norm").GetDouble());
        Assert.Equal(0.0137, metrics.GetProperty("acc_norm_stderr").GetDouble());
        Assert.Equal(0.5, metrics.GetProperty("acc_norm_2shot").GetDouble());
        Assert.False(metrics.TryGetProperty("acc_norm_2shot_stderr", out _));
        Assert.Equal(
            """{"task":"multiple-choice","metric":"acc_norm","filter":"none","value":0.25,"stderr":0.0137,"n":1000,"higher_is_better":true,"n_shot":0}""",
            JsonSerializer.Serialize(metrics.GetProperty("records")[0]));
        Assert.Equal(
            """{"model":"dpo","question":{"task":"multiple-choice","id":"a","shots":0,"scores":[-1,-2],"norm_scores":[-1,-2],"picked":0,"picked_norm":0,"gold":0,"seen":false}}""",
            folder.Read("questions.jsonl").Split('\n')[1]);
    }

    [Fact]
    public void A_model_s_scores_are_laid_out_as_lm_eval_does()
    {
        using var folder = new TemporaryFolder();
        EvaluationFolder.Write(folder.Path, [("base", Result(("a", 0, 1)))]);
        var file = JsonDocument.Parse(folder.Read("lm-eval-base.json")).RootElement;
        Assert.Equal("""{"alias":"multiple-choice","acc_norm,none":0.25,"acc_norm_stderr,none":0.0137}""",
            JsonSerializer.Serialize(file.GetProperty("results").GetProperty("multiple-choice")));
        Assert.Equal("N/A",
            file.GetProperty("results").GetProperty("multiple-choice-2shot").GetProperty("acc_norm_stderr,none").GetString());
        Assert.Equal("""{"multiple-choice":0,"multiple-choice-2shot":2}""", JsonSerializer.Serialize(file.GetProperty("n-shot")));
        Assert.True(file.GetProperty("higher_is_better").GetProperty("multiple-choice").GetProperty("acc_norm").GetBoolean());
        Assert.Equal(1000, file.GetProperty("n-samples").GetProperty("multiple-choice").GetProperty("effective").GetInt32());
    }

    [Theory]
    [InlineData("I don't know that member.", true)]
    [InlineData("  i don\u2019t know", true)]
    [InlineData("There is no member of that name.", true)]
    [InlineData("Sorry, no.", true)]
    [InlineData("Sorrynot is a type.", false)]
    [InlineData("Gets the length. I don't know more.", false)]
    [InlineData("Initializes a new instance.", false)]
    [InlineData("There is nothing", false)]
    [InlineData("", false)]
    public void A_refusal_is_known_by_its_opening(string answer, bool declines) => Assert.Equal(declines, RefusalRule.Declines(answer));

    private static EvaluationResult Result(params (string Id, int Shots, int Picked)[] questions) =>
        new([
            new("multiple-choice", "acc_norm", "none", 0.25, 0.0137, 1000, true),
            new("multiple-choice-2shot", "acc_norm", "none", 0.5, null, 1, true) { Shots = 2 },
        ])
        {
            QuestionResults =
            [
                .. questions.Select(question => new QuestionResult(
                    new MultipleChoiceTask(Shots: question.Shots).Name(),
                    question.Id,
                    question.Shots,
                    [-1, -2],
                    [-1, -2],
                    question.Picked,
                    question.Picked,
                    0,
                    false
                )),
            ],
        };
}
