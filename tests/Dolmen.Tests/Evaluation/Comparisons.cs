using Dolmen.Evaluation;
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
    public void Models_are_paired_by_question_within_a_pass()
    {
        var before = Result(("a", false, 1), ("b", false, 0), ("c", false, 1), ("a", true, 0));
        var after = Result(("c", false, 0), ("b", false, 0), ("a", false, 0), ("d", false, 0), ("a", true, 0));
        var paired = PairedComparison.Of(before, after);
        Assert.Equal((3, 0, 2, 0.5), (paired.Questions, paired.OnlyFirst, paired.OnlySecond, paired.P));
        Assert.Equal(1, PairedComparison.Of(before, after, fewShot: true).Questions);
    }

    [Fact]
    public void The_table_has_a_row_a_model_and_the_paired_difference()
    {
        var table = EvaluationTable.Markdown([
            ("base", Result(("a", false, 1))),
            ("dpo", Result(("a", false, 0)) with { BitsPerByte = 1.234 }),
        ]);
        Assert.Equal(
            """
            | model | bits per byte | acc | acc_norm | acc_norm unseen | acc 5-shot | acc_norm 5-shot | refusal invented | refusal known |
            |---|---:|---:|---:|---:|---:|---:|---:|---:|
            | base | – | – | 0.250 ± 0.014 | – | – | – | – | – |
            | dpo | 1.234 | – | 0.250 ± 0.014 | – | – | – | – | – |

            ± is one standard error. 1000 questions (0 whose answer occurs nowhere in training), 0 invented and 0 known members, 0 bytes of held-out text, seed 0.

            base → dpo, acc_norm zero-shot, paired: +1.000 over 1 questions (1 gained, 0 lost; McNemar exact p = 1.000).

            """, table);
    }

    [Fact]
    public void A_folder_holds_the_metrics_by_model_and_what_they_were_counted_from()
    {
        using var folder = new TemporaryFolder();
        EvaluationFolder.Write(folder.Path, [("base", Result(("a", false, 1))), ("dpo", Result(("a", false, 0)))]);
        var metrics = System.Text.Json.JsonDocument.Parse(folder.Read("evaluation.json")).RootElement;
        foreach (var name in (string[])["bitsPerByte", "acc", "acc_norm", "acc_norm_stderr", "acc_norm_5shot", "refusal_invented"])
        {
            Assert.True(metrics.GetProperty("base").TryGetProperty(name, out _), name);
        }
        Assert.Equal(
            """{"model":"dpo","question":{"id":"a","shots":0,"scores":[-1,-2],"norm_scores":[-1,-2],"picked":0,"picked_norm":0,"gold":0,"seen":false,"few_shot":false}}""",
            folder.Read("questions.jsonl").Split('\n')[1]);
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

    private static EvaluationResult Result(params (string Id, bool FewShot, int Picked)[] questions) =>
        new(AccNorm: 0.25, AccNormStderr: 0.0137, Questions: 1000)
        {
            QuestionResults =
            [
                .. questions.Select(question => new QuestionResult(
                    question.Id,
                    0,
                    [-1, -2],
                    [-1, -2],
                    question.Picked,
                    question.Picked,
                    0,
                    false
                )
                {
                    FewShot = question.FewShot,
                }),
            ],
        };
}
