using Dolmen.Artifacts;

namespace Dolmen.Evaluation;

/// <summary>What one task measured.</summary>
/// <param name="Scores">Empty where nothing could be measured; <paramref name="Warnings"/> then say why.</param>
/// <param name="Data">What became of the items of its files.</param>
public sealed record TaskResult(IReadOnlyList<EvaluationScore> Scores, DataCounts Data, IReadOnlyList<string> Warnings)
{
    public IReadOnlyList<QuestionResult> Questions { get; init; } = [];

    public IReadOnlyList<AnswerResult> Answers { get; init; } = [];

    internal IReadOnlyList<AnswerSample> Samples { get; init; } = [];
}
