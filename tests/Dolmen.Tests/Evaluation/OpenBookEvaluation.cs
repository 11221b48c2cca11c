using System.Text;
using Dolmen.Artifacts;
using Dolmen.Evaluation;
using Dolmen.Evaluation.Tasks;
using Dolmen.Retrieval;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Evaluation;

/// <summary>A fake reader: it answers with the text below the heading that the question names, and declines where there is none.</summary>
public sealed class OpenBookEvaluation : IDisposable
{
    private const int Assistant = 261, End = 262;

    private static readonly Passage Alpha = new("P1", "Alpha", "Alpha text.", "s"), Beta = new("P2", "Beta", "Beta text.", "s");

    private readonly TemporaryFolder _run = new();

    private string Corpus => Path.Combine(_run.Path, "corpus");

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Answers_are_scored_with_given_with_found_and_without_passages()
    {
        WriteCorpus();
        WriteIndex();
        var result = Run(new OpenBookTask());
        Assert.Equal(1.0, result.Find("openbook_exact_given")?.Value);
        Assert.Equal(1.0, result.Find("openbook_f1_given")?.Value);
        Assert.Equal(1.0, result.Find("openbook_exact")?.Value);
        Assert.Equal(0.0, result.Find("openbook_exact_closed")?.Value);
        Assert.Equal(1.0, result.Find("retrieval_hit")?.Value);
        Assert.Equal(1.0, result.Find("baseline_exact")?.Value);
        Assert.Equal((1.0, 1L), (result.Find("refusal_invented")?.Value, result.Find("refusal_invented")?.Count));
        Assert.Equal((0.0, 3L), (result.Find("refusal_known")?.Value, result.Find("refusal_known")?.Count));
        Assert.Equal(2, result.Find("openbook_exact_summary")?.Count);
        Assert.NotNull(result.Find("openbook_exact")?.StandardError);
    }

    [Fact]
    public void Details_are_under_their_names_and_not_in_the_table()
    {
        WriteCorpus();
        WriteIndex();
        var result = Run(new OpenBookTask());
        Assert.Contains("\"openbook_exact_given_summary\"", EvaluationFolder.Json([("sft", result)]));
        var table = EvaluationTable.Markdown([("sft", result)]);
        Assert.Contains("openbook_exact", table);
        Assert.DoesNotContain("summary", table);
    }

    [Fact]
    public void Without_an_index_only_given_passages_are_measured_and_that_is_said()
    {
        WriteCorpus();
        var result = Run(new OpenBookTask());
        Assert.Equal(1.0, result.Find("openbook_exact_given")?.Value);
        Assert.Null(result.Find("openbook_exact"));
        Assert.Null(result.Find("refusal_known"));
        Assert.Contains(result.Warnings, warning => warning.Contains("index of documents is missing"));
    }

    [Fact]
    public void A_prompt_that_does_not_fit_counts_as_wrong_and_is_said()
    {
        WriteCorpus();
        var result = Run(new OpenBookTask(), context: 190);
        Assert.Equal(0.5, result.Find("openbook_exact_given")?.Value);
        Assert.Contains(result.Warnings, warning => warning.Contains("did not fit"));
    }

    [Fact]
    public void What_was_never_answered_neither_declined_nor_did_not()
    {
        WriteCorpus();
        WriteIndex();
        // The longest context in which the prompt of one of the two questions does not fit.
        var result = Enumerable.Range(120, 120).Reverse().Select(context => Run(new OpenBookTask(), context))
            .First(result => result.Find("openbook_exact")?.Value < 1);
        Assert.Equal((0.5, 2L), (result.Find("openbook_exact")!.Value, result.Find("openbook_exact")!.Count));
        Assert.Equal((0.0, 2L), (result.Find("refusal_known")!.Value, result.Find("refusal_known")!.Count));
        Assert.Equal(2, result.Answers.Count(answer => answer.Set == "known"));
        Assert.DoesNotContain(result.Answers, answer => answer.Answer.Length == 0);
        Assert.DoesNotContain(result.Samples, sample => sample.Set == "invented" && sample.Answer.Length == 0);
    }

    [Fact]
    public void Samples_are_written_with_their_sources()
    {
        WriteCorpus();
        WriteIndex();
        EvaluationFolder.Write(Path.Combine(_run.Path, "evaluation"), [("sft", Run(new OpenBookTask(Samples: 3)))]);
        var lines = File.ReadAllLines(Path.Combine(_run.Path, "evaluation", EvaluationFolder.SamplesFile));
        Assert.Equal(2, lines.Length);
        Assert.All(lines, line => Assert.StartsWith("""{"model":"sft","sample":{"set":"held-out","field":"summary","question":""", line));
        Assert.All(lines, line => Assert.Contains("\"right\":true", line));
    }

    private void WriteCorpus()
    {
        Directory.CreateDirectory(Corpus);
        OpenBookItem[] items =
        [
            new("P1", "summary", "What is `Alpha`?", "Alpha text.", [Beta, Alpha]),
            new("P2", "summary", "What is `Beta`?", "Beta text.", [Beta]),
        ];
        AtomicFile.WriteJsonLines(Path.Combine(Corpus, CorpusFolder.OpenBook), items, OpenBookJson.Default.OpenBookItem);
        _run.Write("corpus/invented.jsonl", """{"prompt":"What is `Alphabeta`?","name":"Alphabeta"}""");
        _run.Write("corpus/known.jsonl", """{"prompt":"What is `Gamma`?","answer":"Gamma text."}""");
    }

    private void WriteIndex()
    {
        Directory.CreateDirectory(Path.Combine(_run.Path, "index"));
        DocumentIndex.Build(Path.Combine(_run.Path, "index", DocumentIndex.FileName),
        [
            Alpha,
            Beta,
            new Passage("P3", "Gamma", "Gamma text.", "s"),
        ]);
    }

    private EvaluationResult Run(OpenBookTask task, int context = 400)
    {
        using var model = new FakeModel(ByteTokenizer.PairBase, context, (tokens, token) =>
        {
            var start = tokens.ToList().IndexOf(Assistant);
            if (start < 0) return 0;
            var answer = Read(Encoding.UTF8.GetString([.. tokens.Take(start).Where(t => t < 256).Select(t => (byte)t)]));
            var at = tokens.Count - start - 1;
            return token == (at < answer.Length ? answer[at] : End) ? 9 : 0;
        });
        return EvaluationRun.Run(model, new ByteTokenizer(), Corpus, new EvaluationRecipe([task]), 1, new Ignore(),
            TestContext.Current.CancellationToken);
    }

    private static string Read(string prompt)
    {
        var name = prompt.Split('`')[1];
        var heading = prompt.IndexOf($"] Name: {name}\n", StringComparison.Ordinal);
        return heading < 0 ? OpenBookPrompt.Refusal : prompt[(heading + name.Length + 9)..].Split('\n')[0];
    }

    private sealed class Ignore : IProgress<StageProgress>
    {
        public void Report(StageProgress value) { }
    }
}
