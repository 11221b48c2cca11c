using System.Text.Json.Serialization;
using Dolmen.Artifacts;

namespace Dolmen.Evaluation;

/// <summary>What was measured of one model: a list of scores that any task may add to. What could not be measured is not in it, and
/// <see cref="Warnings"/> say why. Standard errors of rates are √(p(1−p)/(n−1)).</summary>
public sealed record EvaluationResult(
    [property: JsonPropertyName("records")] IReadOnlyList<EvaluationScore> Scores,
    [property: JsonPropertyName("seconds")] double Seconds = 0)
{
    [JsonPropertyName("seed")]
    public ulong Seed { get; init; }

    /// <summary>What was asked for, limits included.</summary>
    [JsonPropertyName("tasks")]
    public IReadOnlyList<EvalTask> Tasks { get; init; } = [];

    [JsonPropertyName("warnings")]
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>One entry a multiple-choice question and task, for pairing models and for <c>questions.jsonl</c>.</summary>
    [JsonIgnore]
    public IReadOnlyList<QuestionResult> QuestionResults { get; init; } = [];

    [JsonIgnore]
    public IReadOnlyList<AnswerResult> Answers { get; init; } = [];

    /// <summary>A few questions with their answers, for people.</summary>
    internal IReadOnlyList<AnswerSample> Samples { get; init; } = [];

    /// <summary>What became of the items of each file.</summary>
    [JsonPropertyName("data")]
    public IReadOnlyList<DataCounts> Data { get; init; } = [];

    /// <summary>The score of that short name, such as <c>acc_norm</c>, <c>acc_norm_unseen</c> or <c>acc_norm_5shot</c>; where several tasks
    /// measure it, the one of the task that was asked for first.</summary>
    public EvaluationScore? Find(string shortName) => Scores.FirstOrDefault(score => score.ShortName == shortName);

    internal EvaluationResult With(TaskResult task) => this with
    {
        Scores = [.. Scores, .. task.Scores],
        Data = [.. Data, task.Data],
        Warnings = [.. Warnings, .. task.Warnings],
        QuestionResults = [.. QuestionResults, .. task.Questions],
        Answers = [.. Answers, .. task.Answers],
        Samples = [.. Samples, .. task.Samples],
    };
}

/// <param name="Task">Name of the task that asked it.</param>
/// <param name="Shots">Solved examples before it; fewer than asked for where the context was too short.</param>
/// <param name="Scores">Log-likelihood of each choice in nats.</param>
/// <param name="NormScores">The same over the choice's characters.</param>
public sealed record QuestionResult(
    [property: JsonPropertyName("task")] string Task,
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("shots")] int Shots,
    [property: JsonPropertyName("scores")] IReadOnlyList<double> Scores,
    [property: JsonPropertyName("norm_scores")] IReadOnlyList<double> NormScores,
    [property: JsonPropertyName("picked")] int Picked,
    [property: JsonPropertyName("picked_norm")] int PickedNorm,
    [property: JsonPropertyName("gold")] int Gold,
    [property: JsonPropertyName("seen")] bool Seen);

/// <param name="Set"><c>invented</c> or <c>known</c>.</param>
public sealed record AnswerResult(
    [property: JsonPropertyName("set")] string Set,
    [property: JsonPropertyName("prompt")] string Prompt,
    [property: JsonPropertyName("answer")] string Answer,
    [property: JsonPropertyName("refused")] bool Refused)
{
    /// <summary>Passages of the documents stood in the prompt.</summary>
    [JsonPropertyName("documents")]
    public bool Documents { get; init; }
}
