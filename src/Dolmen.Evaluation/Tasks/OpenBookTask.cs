using System.Text.Json.Serialization.Metadata;
using Dolmen.Artifacts;
using Dolmen.Retrieval;

namespace Dolmen.Evaluation.Tasks;

/// <summary>
/// Asks about held-out members with passages in the prompt, greedily: with those that the run's index finds, with the right one among
/// three, and with none. Declining is right for invented names and wrong for members that the documents hold.
/// </summary>
/// <remarks>An answer may be half as long again as the right one; what goes on longer cannot match and is cut there.</remarks>
/// <param name="MaxClosed">Of the questions, those that are also asked without passages.</param>
/// <param name="Samples">Questions that are written out with their answers.</param>
public sealed record OpenBookTask(
    int MaxQuestions = 200,
    int MaxClosed = 50,
    int MaxInvented = 120,
    int MaxKnown = 50,
    int Samples = 20
) : EvalTask
{
    private const string Exact = "openbook_exact", F1 = "openbook_f1", Given = "given", Closed = "closed";
    private const int MoreTokens = 16;

    public override string Name() => "open-book";

    public override string Measures() =>
        "How well the model answers questions about held-out members from passages: found by the index, given, and without any.";

    public override IReadOnlyList<string> Metrics() =>
    [
        Exact, F1, $"{Exact}_{Given}", $"{F1}_{Given}", $"{Exact}_{Closed}", $"{F1}_{Closed}", "baseline_exact", "baseline_f1",
        "retrieval_hit", "refusal_invented", "refusal_known",
    ];

    public override IReadOnlyList<string> Files() => [CorpusFolder.OpenBook];

    public override IEnumerable<string> Problems() =>
    [
        .. AtLeast(1, ("maxQuestions", MaxQuestions)),
        .. AtLeast(0, ("maxClosed", MaxClosed), ("maxInvented", MaxInvented), ("maxKnown", MaxKnown), ("samples", Samples)),
    ];

    public override TaskResult Run(EvaluationInput input)
    {
        var all = EvaluationCorpus.Read(input.CorpusDirectory, CorpusFolder.OpenBook, OpenBookJson.Default.OpenBookItem);
        var items = EvaluationCorpus.Draw(all, MaxQuestions, input.Seed);
        var tally = EvaluationCorpus.Counts("open-book questions", CorpusFolder.OpenBook, all.Count, items.Count);
        if (items.Count == 0)
            return new TaskResult([], tally.ToCounts(), [$"{Name()} was skipped: {CorpusFolder.OpenBook} is empty."]);

        using var index = input.DocumentIndex is { } file ? DocumentIndex.Open(file) : null;
        var refusalTokens = input.Tokenizer.Encode(OpenBookPrompt.Refusal).Length + 4;
        using var asked = new GreedyAnswers(input);
        var given = items.ConvertAll(item => AskItem(item, item.Passages));
        var found = index is null ? [] : items.ConvertAll(item => AskItem(item, Find(index, item.Question)));
        var closed = EvaluationCorpus.Draw(items, MaxClosed, input.Seed).ConvertAll(item => AskItem(item, []));
        var invented = index is null ? [] : Names(input, CorpusFolder.Invented, MaxInvented, CorpusRowJson.Default.InventedQuestion,
            line => line.Prompt).ConvertAll(question => AskName(question, index));
        var known = index is null ? [] : Names(input, CorpusFolder.Known, MaxKnown, CorpusRowJson.Default.KnownQuestion,
            line => line.Prompt).ConvertAll(question => AskName(question, index));
        asked.Complete(Name());

        tally.Use(given.Count(answer => answer.Fits));
        tally.Drop("longer-than-context", new DataPlace(CorpusFolder.OpenBook, 0), given.Count(answer => !answer.Fits));
        List<string> warnings = [];
        if (index is null)
            warnings.Add($"{Name()}: the run's index of documents is missing, so answers from found passages were not measured. "
                + $"'{CommandName.Shown} quickstart' or 'run' builds one.");
        if (asked.TooLong > 0)
            warnings.Add($"{Name()}: {asked.TooLong} of {asked.Asked} prompts did not fit the context of "
                + $"{input.Model.Config.ContextLength} tokens: they count as wrong answers and are left out of refusals.");
        // What was never answered neither declined nor did not.
        var declinable = invented.FindAll(answer => answer.Fits);
        List<OpenBookAnswer> reached = [.. found.Concat(known).Where(answer => answer.Fits)];
        return new TaskResult(
            [
                .. Matches(found, EvaluationScore.AllItems), .. Matches(given, Given), .. Matches(closed, Closed),
                .. Baseline(found),
                .. Proportion.Of(found, answer => answer.HasRight).Score(Name(), "retrieval_hit"),
                .. Proportion.Of(declinable, answer => answer.Refused).Score(Name(), "refusal_invented"),
                .. Proportion.Of(reached, answer => answer.Refused).Score(Name(), "refusal_known", higherIsBetter: false),
                .. ByField(found, EvaluationScore.AllItems), .. ByField(given, Given),
            ],
            tally.ToCounts(),
            warnings
        )
        {
            Answers = [.. declinable.Select(answer => answer.Result("invented")), .. reached.Select(answer => answer.Result("known"))],
            Samples = Sampled(index is null ? given : found, declinable, input.Seed),
        };

        OpenBookAnswer AskItem(OpenBookItem item, IReadOnlyList<Passage> passages)
        {
            var length = input.Tokenizer.Encode(item.Answer).Length;
            return Ask(new OpenBookAnswer(item.Question, item.Answer, passages) { Item = item }, length + length / 2 + MoreTokens);
        }

        // Only whether the answer declines is of interest.
        OpenBookAnswer AskName(string question, DocumentIndex documents) =>
            Ask(new OpenBookAnswer(question, OpenBookPrompt.Refusal, Find(documents, question)), refusalTokens);

        OpenBookAnswer Ask(OpenBookAnswer answer, int maxTokens)
        {
            var prompt = OpenBookPrompt.Of(answer.Passages, answer.Question);
            answer.Fits = asked.Ask(prompt, maxTokens, text => answer.Text = text.Trim());
            return answer;
        }
    }

    private static Passage[] Find(DocumentIndex index, string question) =>
        [.. OpenBook.Of(index, question).Passages.Select(found => found.Passage)];

    private static List<string> Names<T>(EvaluationInput input, string file, int most, JsonTypeInfo<T> type, Func<T, string> prompt) =>
        File.Exists(Path.Combine(input.CorpusDirectory, file))
            ? [.. EvaluationCorpus.Draw(EvaluationCorpus.Read(input.CorpusDirectory, file, type), most, input.Seed).Select(prompt)]
            : [];

    private IEnumerable<EvaluationScore> Matches(List<OpenBookAnswer> answers, string filter) =>
    [
        .. Proportion.Of(answers, answer => answer.IsExact).Score(Name(), Exact, filter: filter),
        .. MeanScore.Of([.. answers.Select(answer => answer.F1)], Name(), F1, filter),
    ];

    private IEnumerable<EvaluationScore> ByField(List<OpenBookAnswer> answers, string filter) => answers
        .GroupBy(answer => answer.Item!.Field)
        .OrderBy(group => group.Key, StringComparer.Ordinal)
        .SelectMany(group => Matches([.. group], filter == EvaluationScore.AllItems ? group.Key : $"{filter}_{group.Key}"))
        .Select(score => score with { IsDetail = true });

    private IEnumerable<EvaluationScore> Baseline(List<OpenBookAnswer> found)
    {
        var taken = found.ConvertAll(answer => (
            Said: answer.Passages.Count == 0 ? "" : PassageField.Of(answer.Passages[0], answer.Item!.Field, answer.Question),
            answer.Right
        ));
        return
        [
            .. Proportion.Of(taken, answer => AnswerMatch.IsExact(answer.Said, answer.Right)).Score(Name(), "baseline_exact"),
            .. MeanScore.Of([.. taken.Select(answer => AnswerMatch.F1(answer.Said, answer.Right))], Name(), "baseline_f1"),
        ];
    }

    private List<AnswerSample> Sampled(List<OpenBookAnswer> held, List<OpenBookAnswer> invented, ulong seed)
    {
        var ofInvented = Math.Min(invented.Count, Samples / 5);
        return
        [
            .. EvaluationCorpus.Draw(held, Samples - ofInvented, seed).Select(answer => answer.Sample("held-out")),
            .. EvaluationCorpus.Draw(invented, ofInvented, seed).Select(answer => answer.Sample("invented")),
        ];
    }
}
