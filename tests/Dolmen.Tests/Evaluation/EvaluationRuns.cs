using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Evaluation;
using Dolmen.Evaluation.Tasks;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Evaluation;

public sealed class EvaluationRuns : IDisposable
{
    private readonly TemporaryFolder _corpus = new();

    public void Dispose() => _corpus.Dispose();

    [Fact]
    public void Multiple_choice_scores_are_the_sums_over_the_choice_s_own_tokens()
    {
        _corpus.Write("multiple-choice.jsonl",
            """{"id":"a","query":"## A\n","choices":["xy","z","éé","w w"],"gold":2,"seen":true}""",
            """{"id":"b","query":"## B\n","choices":["one","two","three","four"],"gold":0,"seen":false}""");
        using var model = FakeModel.OfHistory(ByteTokenizer.PairBase, 64);
        var result = Run(model, new EvaluationRecipe());

        Assert.Equal(["a", "b"], result.QuestionResults.Select(question => question.Id));
        var first = result.QuestionResults[0];
        string[] choices = ["xy", "z", "éé", "w w"];
        for (var i = 0; i < choices.Length; i++)
        {
            int[] whole = [256, .. Encoding.UTF8.GetBytes("## A\n" + choices[i])];
            var expected = Enumerable.Range(6, whole.Length - 6).Sum(at => model.LogProb(whole, at));
            Assert.Equal(expected, first.Scores[i], 1e-4);
            Assert.Equal(expected / choices[i].Length, first.NormScores[i], 1e-4);
        }
        Assert.Equal((2, 1), (result.Find("acc_norm")?.Count, result.Find("acc_norm_unseen")?.Count));
        var right = result.QuestionResults.Select(question => question.PickedNorm == question.Gold ? 1.0 : 0).ToList();
        Assert.Equal(right.Average(), result.Find("acc_norm")?.Value);
        Assert.Equal(right[1], result.Find("acc_norm_unseen")?.Value);
        Assert.Contains(result.Warnings, warning => warning.Contains("heldout.jsonl"));
    }

    [Fact]
    public void A_token_that_straddles_query_and_choice_is_scored_for_every_choice()
    {
        _corpus.Write("multiple-choice.jsonl", """{"id":"a","query":"go","choices":["ok","up"],"gold":0,"seen":false}""");
        var tokenizer = new ByteTokenizer(pairs: true);
        using var model = FakeModel.OfHistory(tokenizer.VocabSize, 64);
        var result = EvaluationRun.Run(model, tokenizer, _corpus.Path, new EvaluationRecipe(), 1, new Ignore(),
            TestContext.Current.CancellationToken);
        int[] straddling = [256, 'g', ByteTokenizer.PairBase + 'o', 'k'];
        int[] plain = [256, 'g', 'o', 'u', 'p'];
        Assert.Equal(model.LogProb(straddling, 2) + model.LogProb(straddling, 3), result.QuestionResults[0].Scores[0], 1e-4);
        Assert.Equal(model.LogProb(plain, 2) + model.LogProb(plain, 3) + model.LogProb(plain, 4), result.QuestionResults[0].Scores[1],
            1e-4);
    }

    [Fact]
    public void Few_shot_questions_follow_the_same_examples_written_as_document_sections()
    {
        _corpus.Write("multiple-choice.jsonl", """{"id":"a","query":"Q\n","choices":["x","y"],"gold":0,"seen":false}""");
        _corpus.Write("few-shot.jsonl", """{"query":"P\n","answer":"p"}""", """{"query":"R\n","answer":"r"}""");
        using var model = FakeModel.OfHistory(ByteTokenizer.PairBase, 64);
        var question = Run(model, new EvaluationRecipe([new MultipleChoiceTask(Shots: 2)])).QuestionResults.Single();
        Assert.Equal(2, question.Shots);
        double Score(string shots) => model.LogProb([256, .. Encoding.UTF8.GetBytes(shots + "Q\nx")], (shots + "Q\n").Length + 1);
        Assert.Contains(question.Scores[0], [Score("P\np\n\nR\nr\n\n"), Score("R\nr\n\nP\np\n\n")], new Near());
    }

    [Fact]
    public void Shots_that_do_not_fit_the_context_are_left_out_and_said()
    {
        _corpus.Write(
            "multiple-choice.jsonl",
            """{"id":"a","query":"## Some.Member()\n","choices":["does one thing","does another"],"gold":0,"seen":false}"""
        );
        _corpus.Write(
            "few-shot.jsonl",
            [.. Enumerable.Range(0, 8).Select(i => $$"""{"query":"## Other{{i}}()\n","answer":"answer {{i}}"}""")]
        );
        using var model = FakeModel.OfHistory(ByteTokenizer.PairBase, 96);
        var result = Run(model, new EvaluationRecipe());
        // 1 + 2·(12 + 8 + 2) + 17 + 14 = 76 fit in 97, 3 shots would need 98
        Assert.Equal(2, result.Find("shots_5shot")?.Value);
        Assert.Equal(5, result.Find("acc_norm_5shot")?.Shots);
        Assert.Contains(result.Warnings, warning => warning.Contains("shots"));
    }

    [Fact]
    public void A_question_longer_than_the_context_loses_its_beginning_not_its_choice()
    {
        _corpus.Write(
            "multiple-choice.jsonl",
            """{"id":"a","query":"0123456789abcdefghij\n","choices":["xyz","uvw"],"gold":0,"seen":false}"""
        );
        using var model = FakeModel.OfHistory(ByteTokenizer.PairBase, 16);
        var result = Run(model, new EvaluationRecipe());
        int[] tail = [.. Encoding.UTF8.GetBytes("789abcdefghij\nxyz")];
        Assert.Equal(Enumerable.Range(14, 3).Sum(i => model.LogProb(tail, i)), result.QuestionResults[0].Scores[0], 1e-4);
        Assert.Contains(result.Warnings, warning => warning.Contains("lost their beginning"));
    }

    [Fact]
    public void Bits_per_byte_counts_every_predicted_token_and_the_bytes_of_the_text()
    {
        _corpus.Write("heldout.jsonl", """{"id":"1","text":"naïve"}""", """{"id":"2","text":"a text longer than the context"}""");
        using var model = FakeModel.OfHistory(ByteTokenizer.PairBase, 16);
        var result = Run(model, new EvaluationRecipe());
        var nats = 0.0;
        int[] first = [256, .. Encoding.UTF8.GetBytes("naïve"), 257];
        int[] second = [256, .. Encoding.UTF8.GetBytes("a text longer than the context"), 257];
        for (var i = 1; i < first.Length; i++) nats -= model.LogProb(first, i);
        for (var i = 1; i < 17; i++) nats -= model.LogProb(second, i);
        for (var i = 17; i < second.Length; i++) nats -= model.LogProb(second[(second.Length - 17)..], i - (second.Length - 17));
        Assert.Equal(6 + 30, result.Find("bytes")?.Value);
        Assert.Equal(7 + 31, result.Find("tokens")?.Value);
        Assert.Equal(nats / Math.Log(2) / 36, result.Find("bits_per_byte")?.Value ?? -1, 1e-5);
    }

    [Fact]
    public void Bits_per_byte_of_a_uniform_model_is_that_of_its_vocabulary()
    {
        _corpus.Write("heldout.jsonl", """{"id":"1","text":"abcdefg"}""");
        using var model = new FakeModel(ByteTokenizer.PairBase, 64, (_, _) => 0);
        Assert.Equal(
            Math.Log2(ByteTokenizer.PairBase) * 8 / 7,
            Run(model, new EvaluationRecipe()).Find("bits_per_byte")?.Value ?? -1,
            1e-5
        );
    }

    [Fact]
    public void Refusals_are_counted_apart_for_invented_and_known_members()
    {
        _corpus.Write("invented.jsonl", """{"prompt":"What is X?","name":"X"}""", """{"prompt":"What is Y?","name":"Y"}""");
        _corpus.Write("known.jsonl", """{"prompt":"What is Z!","answer":"A zebra."}""");
        // Continues every question with a refusal, except that it answers questions ending in an exclamation mark.
        const string refusal = "I don't know that member.";
        using var model = new FakeModel(ByteTokenizer.PairBase, 64, (tokens, token) =>
        {
            var start = tokens.ToList().IndexOf(261);
            if (start < 0) return 0;
            var text = tokens[start - 2] == '!' ? "A zebra." : refusal;
            var at = tokens.Count - start - 1;
            return token == (at < text.Length ? text[at] : 262) ? 9 : 0;
        });
        var result = Run(model, new EvaluationRecipe());
        var (invented, known) = (result.Find("refusal_invented_closed"), result.Find("refusal_known_closed"));
        Assert.Equal((1.0, 0.0), (invented?.Value, known?.Value));
        Assert.Equal((2, 1), (invented?.Count, known?.Count));
        Assert.Equal((true, false), (invented?.HigherIsBetter, known?.HigherIsBetter));
        Assert.Equal([refusal[..24], refusal[..24], "A zebra."], result.Answers.Select(answer => answer.Answer));
    }

    [Fact]
    public void The_same_seed_draws_the_same_questions()
    {
        _corpus.Write(
            "multiple-choice.jsonl",
            [.. Enumerable.Range(0, 50).Select(i => $$"""{"id":"{{i:00}}","query":"Q{{i}}\n","choices":["x","y"],"gold":0,"seen":false}""")]
        );
        using var model = FakeModel.OfHistory(ByteTokenizer.PairBase, 64);
        string Ids(ulong seed) =>
            string.Join(
                ' ',
                Run(model, new EvaluationRecipe([new MultipleChoiceTask(MaxQuestions: 10)]), seed)
                    .QuestionResults.Select(question => question.Id)
            );
        Assert.Equal(Ids(1), Ids(1));
        Assert.NotEqual(Ids(1), Ids(2));
        Assert.Equal(10, Ids(1).Split(' ').Distinct().Count());
    }

    [Theory]
    [InlineData("""{"id":"a","query":"Q","choices":["x"],"gold":0,"seen":false}""", "at least 2")]
    [InlineData("""{"id":"a","query":"Q","choices":["x",""],"gold":0,"seen":false}""", "empty")]
    [InlineData("""{"id":"a","query":"Q","choices":["x","y"],"gold":2,"seen":false}""", "gold is 2")]
    [InlineData("""{"id":"a","query":"Q","choices":["x","y"],"seen":false}""", "gold")]
    [InlineData("not json", "line 1")]
    public void A_malformed_question_is_the_user_s_error_and_names_the_line(string line, string says)
    {
        _corpus.Write("multiple-choice.jsonl", line);
        using var model = FakeModel.OfHistory(ByteTokenizer.PairBase, 64);
        var error = Assert.Throws<UserErrorException>(() => Run(model, new EvaluationRecipe()));
        Assert.Contains(says, error.Message);
        Assert.Contains("line 1", error.Message);
    }

    [Fact]
    public void A_folder_without_evaluation_files_is_the_user_s_error()
    {
        using var model = FakeModel.OfHistory(ByteTokenizer.PairBase, 64);
        Assert.Contains("heldout.jsonl", Assert.Throws<UserErrorException>(() => Run(model, new EvaluationRecipe())).Message);
    }

    [Fact]
    public void Cancellation_ends_a_run()
    {
        _corpus.Write("heldout.jsonl", """{"id":"1","text":"abcdefg"}""");
        using var model = FakeModel.OfHistory(ByteTokenizer.PairBase, 64);
        Assert.Throws<OperationCanceledException>(() =>
            EvaluationRun.Run(model, new ByteTokenizer(), _corpus.Path, new EvaluationRecipe(), 1, new Ignore(),
                new CancellationToken(canceled: true)));
    }

    [Theory]
    [InlineData(0, "multiple-choice", "acc_norm")]
    [InlineData(1, "multiple-choice-1shot", "acc_norm_1shot")]
    [InlineData(3, "multiple-choice-3shot", "acc_norm_3shot")]
    public void A_score_names_the_number_of_its_shots(int shots, string task, string metric)
    {
        _corpus.Write("multiple-choice.jsonl", """{"id":"a","query":"Q\n","choices":["x","y"],"gold":0,"seen":false}""");
        _corpus.Write("few-shot.jsonl", [.. Enumerable.Range(0, 4).Select(i => $$"""{"query":"P{{i}}\n","answer":"p"}""")]);
        using var model = FakeModel.OfHistory(ByteTokenizer.PairBase, 64);
        var result = Run(model, new EvaluationRecipe([new MultipleChoiceTask(Shots: shots)]));
        Assert.Equal(task, result.Find(metric)?.Task);
        Assert.Equal(new MultipleChoiceTask(Shots: shots).Metrics().Take(2), result.Scores.Take(2).Select(score => score.ShortName));
        Assert.DoesNotContain("5shot", EvaluationFolder.Json([("m", result)]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_recipe_asks_for_tasks_in_its_own_order_and_two_of_the_same_name_are_refused()
    {
        Assert.Contains("more than once", Assert.Single(new EvaluationRecipe([new RefusalTask(), new RefusalTask(1)]).Problems()));
        Assert.Equal("evaluation.tasks.1.maxQuestions is 0: it must be 1 or more.",
            Assert.Single(new EvaluationRecipe([new RefusalTask(), new MultipleChoiceTask(0)]).Problems()));
        Assert.Contains("at least one task", Assert.Single(new EvaluationRecipe([]).Problems()));
        Assert.Empty(new EvaluationRecipe([new MultipleChoiceTask(Shots: 2), new MultipleChoiceTask(Shots: 3)]).Problems());
    }

    /// <summary>Of 20,000 samples of 25 documents of one population, the standard deviation of their ratios.</summary>
    [Fact]
    public void The_standard_error_of_bits_per_byte_is_the_spread_of_repeated_samples()
    {
        var random = new StableRandom(1);
        (double Bits, int Bytes) Document()
        {
            var bytes = 20 + random.Next(200);
            return (bytes * (0.8 + 0.4 * random.NextDouble()), bytes);
        }
        var (ratios, errors) = (new List<double>(), new List<double>());
        for (var i = 0; i < 20_000; i++)
        {
            var sample = Enumerable.Range(0, 25).Select(_ => Document()).ToList();
            var ratio = sample.Sum(document => document.Bits) / sample.Sum(document => document.Bytes);
            ratios.Add(ratio);
            errors.Add(BitsPerByteTask.StandardError([.. sample.Select(d => d.Bits)], [.. sample.Select(d => d.Bytes)], ratio) ?? 0);
        }
        var mean = ratios.Average();
        var spread = Math.Sqrt(ratios.Average(ratio => (ratio - mean) * (ratio - mean)));
        Assert.InRange(errors.Average() / spread, 0.95, 1.02);
        Assert.Null(BitsPerByteTask.StandardError([1], [1], 1));
    }

    [Fact]
    public void Every_task_survives_JSON_under_its_permanent_name()
    {
        foreach (var task in EvaluationRecipe.Standard)
        {
            var json = JsonSerializer.Serialize(task, EvaluationJson.Default.EvalTask);
            Assert.Equal(task, JsonSerializer.Deserialize(json, EvaluationJson.Default.EvalTask));
        }
        Assert.Equal("""{"task":"multiple-choice","maxQuestions":10,"shots":5}""",
            JsonSerializer.Serialize(new MultipleChoiceTask(10, 5), EvaluationJson.Default.EvalTask));
    }

    private EvaluationResult Run(FakeModel model, EvaluationRecipe recipe, ulong seed = 1) =>
        EvaluationRun.Run(model, new ByteTokenizer(), _corpus.Path, recipe, seed, new Ignore(), TestContext.Current.CancellationToken);

    private sealed class Ignore : IProgress<StageProgress>
    {
        public void Report(StageProgress value) { }
    }

    private sealed class Near : IEqualityComparer<double>
    {
        public bool Equals(double x, double y) => Math.Abs(x - y) < 1e-4;

        public int GetHashCode(double obj) => 0;
    }
}
