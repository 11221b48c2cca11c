using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Retrieval;
using Dolmen.Tokenization;

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
        var tooLong = 0;
        using var scheduler = new Scheduler(input.Model, input.Tokenizer);
        var generations = prompts.ConvertAll(prompt => Ask(prompt.Prompt, scheduler, input));
        for (var i = 0; i < prompts.Count; i++)
        {
            if (generations[i] is { } generation)
            {
                while (!generation.Result.IsCompleted) scheduler.Step();
                input.Stop.ThrowIfCancellationRequested();
                var answer = input.Tokenizer.Decode(generation.Result.GetAwaiter().GetResult().Tokens);
                answers.Add(new AnswerResult(prompts[i].Set, prompts[i].Prompt, answer, RefusalRule.Declines(answer)));
            }
            else
            {
                tooLong++;
            }
            input.Progress.Report(new StageProgress("evaluation", i + 1, prompts.Count, "answers", Name()));
        }
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

    /// <summary>Null where prompt and answer do not fit the context.</summary>
    private Generation? Ask(string question, Scheduler scheduler, EvaluationInput input)
    {
        var prompt = ChatFormat.TokenizePrompt(input.Tokenizer, [new ChatMessage("user", question)]);
        return prompt.Length + MaxTokens > input.Model.Config.ContextLength ? null
            : scheduler.Submit(
                new GenerationRequest(prompt, new GenerationOptions(SamplingOptions.Greedy, MaxTokens)), input.Stop);
    }
}
