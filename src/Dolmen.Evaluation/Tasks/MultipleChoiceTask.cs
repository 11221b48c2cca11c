using Dolmen.Artifacts;

namespace Dolmen.Evaluation.Tasks;

/// <summary>
/// Which of a few choices continues the query best, by log-likelihood, as lm-eval scores <c>multiple_choice</c>:
/// acc takes the greatest sum, acc_norm the greatest sum per Unicode character of the choice.
/// Solved examples before the query are written as the sections of a training document: query, answer and an empty line.
/// </summary>
/// <remarks>
/// Query and choice are encoded together, and the score counts the tokens after the longest prefix that the query's own encoding and all
/// the choices' encodings share. Where a token ends with the query this is what lm-eval scores. Where a token straddles the border the two
/// differ: lm-eval moves the white space at the query's end into the choice and encodes query and the rest apart, so that it may score
/// ids which are not the encoding of the text; here every id is the text's own, and all choices are scored from the same place.
/// </remarks>
/// <param name="Shots">Solved examples before each question; 0 asks without any.</param>
public sealed record MultipleChoiceTask(int MaxQuestions = 1000, int Shots = 0) : EvalTask
{
    private const string Acc = "acc", AccNorm = "acc_norm", Unseen = "unseen";

    public override string Name() => Shots == 0 ? "multiple-choice" : $"multiple-choice-{Shots}shot";

    public override string Measures() => Shots == 0
        ? "Which of four summaries belongs to a held-out member, by log-likelihood."
        : "The same with solved examples of training members before each question.";

    public override IReadOnlyList<string> Metrics() =>
    [
        EvaluationScore.NameOf(Acc, EvaluationScore.AllItems, Shots),
        EvaluationScore.NameOf(AccNorm, EvaluationScore.AllItems, Shots),
        EvaluationScore.NameOf(AccNorm, Unseen, Shots),
    ];

    public override IReadOnlyList<string> Files() => Shots == 0
        ? [CorpusFolder.MultipleChoice]
        : [CorpusFolder.MultipleChoice, CorpusFolder.FewShot];

    public override IEnumerable<string> Problems() =>
        [.. AtLeast(1, ("maxQuestions", MaxQuestions)), .. AtLeast(0, ("shots", Shots))];

    public override TaskResult Run(EvaluationInput input)
    {
        var all = EvaluationCorpus.ReadQuestions(input.CorpusDirectory);
        var questions = EvaluationCorpus.Draw(all, MaxQuestions, input.Seed);
        var tally = EvaluationCorpus.Counts(
            Shots == 0 ? "questions" : "questions with shots",
            CorpusFolder.MultipleChoice,
            all.Count,
            questions.Count
        );
        tally.Use(questions.Count);
        if (questions.Count == 0)
            return new TaskResult([], tally.ToCounts(), [$"{Name()} was skipped: {CorpusFolder.MultipleChoice} is empty."]);

        var shots = Shots == 0 ? [] : DrawShots(input);
        using var scorer = new ContinuationScorer(input.Model);
        var answered = new List<QuestionResult>(questions.Count);
        var cut = 0;
        foreach (var question in questions)
        {
            input.Stop.ThrowIfCancellationRequested();
            answered.Add(Answer(question, shots, scorer, input, ref cut));
            input.Progress.Report(new StageProgress("evaluation", answered.Count, questions.Count, "questions", Name()));
        }
        tally.Cut("longer-than-context", new DataPlace(CorpusFolder.MultipleChoice, 0), cut);
        return new TaskResult([.. Scores(answered)], tally.ToCounts(), [.. Warnings(answered, cut)]) { Questions = answered };
    }

    private IEnumerable<EvaluationScore> Scores(List<QuestionResult> answered)
    {
        var (acc, accNorm) = Accuracies(answered);
        var unseen = Accuracies([.. answered.Where(question => !question.Seen)]).AccNorm;
        IEnumerable<EvaluationScore> rates =
        [
            .. acc.Score(Name(), Acc, Shots), .. accNorm.Score(Name(), AccNorm, Shots), .. unseen.Score(Name(), AccNorm, Shots, Unseen),
        ];
        var used = answered.Average(question => question.Shots);
        return Shots == 0 ? rates
            : [.. rates, new(Name(), "shots", EvaluationScore.AllItems, used, null, answered.Count, null) { Shots = Shots }];
    }

    private IEnumerable<string> Warnings(List<QuestionResult> answered, int cut)
    {
        if (cut > 0)
            yield return $"{Name()}: {cut} of {answered.Count} questions were longer than the context and lost their beginning.";
        var (mean, least) = (answered.Average(question => question.Shots), answered.Min(question => question.Shots));
        if (least < Shots)
            yield return $"{Name()}: the context or the pool had room for {mean:0.0} shots on average ({least} at least).";
    }

    private static (Proportion Acc, Proportion AccNorm) Accuracies(List<QuestionResult> answered) => (
        Proportion.Of(answered, question => question.Picked == question.Gold),
        Proportion.Of(answered, question => question.PickedNorm == question.Gold));

    /// <summary>The same examples for every question, so that their prefix is computed once. Only those short enough for all of them to
    /// fill no more than half the context; the shortest where that leaves too few.</summary>
    private List<string> DrawShots(EvaluationInput input)
    {
        var pool = EvaluationCorpus.Read(input.CorpusDirectory, CorpusFolder.FewShot, CorpusRowJson.Default.FewShotExample)
            .Select(example => $"{example.Query}{example.Answer}\n\n")
            .Select(text => (Text: text, Tokens: input.Tokenizer.Encode(text).Length))
            .OrderBy(shot => shot.Tokens).ThenBy(shot => shot.Text, StringComparer.Ordinal)
            .ToList();
        var room = input.Model.Config.ContextLength / 2 / Shots;
        var candidates = pool[..Math.Max(Math.Min(Shots, pool.Count), pool.Count(shot => shot.Tokens <= room))];
        return [.. EvaluationCorpus.Shuffled(candidates.Count, input.Seed).Take(Shots).Select(i => candidates[i].Text)];
    }

    private QuestionResult Answer(MultipleChoiceItem question, List<string> shots, ContinuationScorer scorer, EvaluationInput input,
        ref int cut)
    {
        var longest = input.Model.Config.ContextLength + 1;              // the last token is predicted, not fed
        var used = shots.Count;
        var wholes = Encode(question, shots, used, input, out var from);
        while (used > 0 && wholes.Any(whole => whole.Length > longest)) wholes = Encode(question, shots, --used, input, out from);
        if (wholes.Any(whole => whole.Length > longest)) cut++;

        var scores = scorer.Score(
            [
                .. wholes.Select(whole => Math.Max(0, whole.Length - longest))
                    .Zip(wholes, (dropped, whole) => (whole[dropped..], Math.Max(1, from - dropped))),
            ]);
        double[] normScores = [.. scores.Zip(question.Choices, (score, choice) => score / Characters(choice))];
        return new QuestionResult(Name(), question.Id, used, scores, normScores, ArgMax.Of<double>(scores), ArgMax.Of<double>(normScores),
            question.Gold, question.Seen);
    }

    /// <summary>What opens a text, shots, query and choice of each choice; the choices' own tokens begin at
    /// <paramref name="from"/>.</summary>
    private static int[][] Encode(MultipleChoiceItem question, List<string> shots, int used, EvaluationInput input, out int from)
    {
        var context = string.Concat(shots.Take(used)) + question.Query;
        var contextTokens = input.Tokenizer.EncodePrompt(context);
        int[] opening = context.Length == 0 ? contextTokens : [.. input.Tokenizer.Before];
        var wholes = question.Choices.Select(choice => (int[])[.. opening, .. input.Tokenizer.Encode(context + choice)]).ToArray();
        from = wholes.Min(whole => Math.Min(whole.AsSpan().CommonPrefixLength(contextTokens), whole.Length - 1));
        return wholes;
    }

    /// <summary>Code points, as the harness counts with Python's <c>len</c>.</summary>
    internal static int Characters(string text) => text.EnumerateRunes().Count();
}
