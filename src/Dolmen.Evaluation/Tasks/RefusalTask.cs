using Dolmen.Artifacts;
using Dolmen.Retrieval;

namespace Dolmen.Evaluation.Tasks;

/// <summary>Asks as a user would, greedily: declining is right for what does not exist and wrong for what was taught.</summary>
/// <param name="MaxTokens">Of an answer; how it begins decides.</param>
public sealed record RefusalTask(int MaxInvented = 200, int MaxKnown = 200, int MaxTokens = 24) : EvalTask
{
    private const string Invented = "invented", Known = "known";

    public override string Name() => "refusal";

    public override string Measures() =>
        "How often the model, without documents, declines questions about invented members, and about members it was taught.";

    public override IReadOnlyList<string> Metrics() => ["refusal_invented_closed", "refusal_known_closed"];

    public override IReadOnlyList<string> Files() => [CorpusFolder.Invented, CorpusFolder.Known];

    public override IEnumerable<string> Problems() =>
        [.. AtLeast(0, ("maxInvented", MaxInvented), ("maxKnown", MaxKnown)), .. AtLeast(1, ("maxTokens", MaxTokens))];

    public override TaskResult Run(EvaluationInput input)
    {
        var invented = EvaluationCorpus.Read(input.CorpusDirectory, CorpusFolder.Invented, CorpusRowJson.Default.InventedQuestion);
        var known = EvaluationCorpus.Read(input.CorpusDirectory, CorpusFolder.Known, CorpusRowJson.Default.KnownQuestion);
        List<(string Set, string Prompt)> prompts =
        [
            .. EvaluationCorpus.Draw(invented, MaxInvented, input.Seed).Select(line => (Invented, line.Prompt)),
            .. EvaluationCorpus.Draw(known, MaxKnown, input.Seed).Select(line => (Known, line.Prompt)),
        ];
        var answers = new List<AnswerResult>();
        using var asked = new GreedyAnswers(input);
        foreach (var (set, prompt) in prompts)
            asked.Ask(prompt, MaxTokens, answer => answers.Add(new AnswerResult(set, prompt, answer, RefusalRule.Declines(answer))));
        asked.Complete(Name());
        var tooLong = asked.TooLong;
        var tally = EvaluationCorpus.Counts("prompts", CorpusFolder.Invented, invented.Count + known.Count, prompts.Count);
        tally.Use(answers.Count);
        tally.Drop("longer-than-context", new DataPlace(CorpusFolder.Invented, 0), tooLong);
        string[] warnings =
            tooLong == 0 ? [] : [$"{Name()}: {tooLong} of {prompts.Count} prompts did not fit the context and were left out."];
        return new TaskResult(
            [.. Score(Invented, higherIsBetter: true), .. Score(Known, higherIsBetter: false)],
            tally.ToCounts(),
            warnings
        )
        {
            Answers = answers,
        };

        IEnumerable<EvaluationScore> Score(string set, bool higherIsBetter) =>
            Proportion.Of([.. answers.Where(answer => answer.Set == set)], answer => answer.Refused)
                .Score(Name(), $"refusal_{set}", filter: "closed", higherIsBetter: higherIsBetter);
    }
}
