using System.Text.Json.Serialization;
using Dolmen.Artifacts;

namespace Dolmen.Evaluation;

/// <summary>
/// The metrics of one model; null where nothing was measured (see <see cref="Warnings"/>). Names in JSON are those of the field's
/// harnesses and permanent. Standard errors of rates are √(p(1−p)/(n−1)).
/// </summary>
/// <param name="BitsPerByte">−log₂ p of the held-out documents, their end token included, over their UTF-8 bytes.</param>
/// <param name="Acc">Share of questions whose gold choice has the greatest log-likelihood.</param>
/// <param name="AccNorm">The same after dividing by the choice's length in Unicode characters.</param>
/// <param name="AccNormUnseen">acc_norm of the questions whose gold choice occurs nowhere in the training text.</param>
/// <param name="RefusalInvented">Share of questions about things that do not exist which the model declines: more is better.</param>
/// <param name="RefusalKnown">Share of questions about training entries which it declines (over-refusal): less is better.</param>
/// <param name="Shots">Examples before each question of the few-shot pass, on average: fewer than asked where the context is short.</param>
public sealed record EvaluationResult(
    [property: JsonPropertyName("bitsPerByte")] double? BitsPerByte = null,
    [property: JsonPropertyName("acc")] double? Acc = null,
    [property: JsonPropertyName("acc_stderr")] double? AccStderr = null,
    [property: JsonPropertyName("acc_norm")] double? AccNorm = null,
    [property: JsonPropertyName("acc_norm_stderr")] double? AccNormStderr = null,
    [property: JsonPropertyName("acc_5shot")] double? Acc5Shot = null,
    [property: JsonPropertyName("acc_5shot_stderr")] double? Acc5ShotStderr = null,
    [property: JsonPropertyName("acc_norm_5shot")] double? AccNorm5Shot = null,
    [property: JsonPropertyName("acc_norm_5shot_stderr")] double? AccNorm5ShotStderr = null,
    [property: JsonPropertyName("acc_norm_unseen")] double? AccNormUnseen = null,
    [property: JsonPropertyName("acc_norm_unseen_stderr")] double? AccNormUnseenStderr = null,
    [property: JsonPropertyName("refusal_invented")] double? RefusalInvented = null,
    [property: JsonPropertyName("refusal_invented_stderr")] double? RefusalInventedStderr = null,
    [property: JsonPropertyName("refusal_known")] double? RefusalKnown = null,
    [property: JsonPropertyName("refusal_known_stderr")] double? RefusalKnownStderr = null,
    [property: JsonPropertyName("heldout_bytes")] long HeldOutBytes = 0,
    [property: JsonPropertyName("heldout_tokens")] long HeldOutTokens = 0,
    [property: JsonPropertyName("questions")] int Questions = 0,
    [property: JsonPropertyName("questions_unseen")] int QuestionsUnseen = 0,
    [property: JsonPropertyName("shots")] double? Shots = null,
    [property: JsonPropertyName("invented")] int Invented = 0,
    [property: JsonPropertyName("known")] int Known = 0,
    [property: JsonPropertyName("seconds")] double Seconds = 0)
{
    [JsonPropertyName("seed")]
    public ulong Seed { get; init; }

    /// <summary>What was asked for, limits included.</summary>
    [JsonPropertyName("tasks")]
    public IReadOnlyList<EvalTask> Tasks { get; init; } = [];

    [JsonPropertyName("warnings")]
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>One entry a multiple-choice question and pass, for pairing models and for <c>questions.jsonl</c>.</summary>
    [JsonIgnore]
    public IReadOnlyList<QuestionResult> QuestionResults { get; init; } = [];

    [JsonIgnore]
    public IReadOnlyList<AnswerResult> Answers { get; init; } = [];

    /// <summary>What became of the items of each file.</summary>
    [JsonPropertyName("data")]
    public IReadOnlyList<DataCounts> Data { get; init; } = [];

    internal EvaluationResult Counted(DataTally tally) => this with { Data = [.. Data, tally.ToCounts()] };

    internal EvaluationResult Warn(string warning) => this with { Warnings = [.. Warnings, warning] };
}

/// <param name="Scores">Log-likelihood of each choice in nats.</param>
/// <param name="NormScores">The same over the choice's characters.</param>
public sealed record QuestionResult(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("shots")] int Shots,
    [property: JsonPropertyName("scores")] IReadOnlyList<double> Scores,
    [property: JsonPropertyName("norm_scores")] IReadOnlyList<double> NormScores,
    [property: JsonPropertyName("picked")] int Picked,
    [property: JsonPropertyName("picked_norm")] int PickedNorm,
    [property: JsonPropertyName("gold")] int Gold,
    [property: JsonPropertyName("seen")] bool Seen)
{
    /// <summary>Whether it belongs to the few-shot pass, whatever number of shots its context had room for.</summary>
    [JsonPropertyName("few_shot")]
    public bool FewShot { get; init; }
}

/// <param name="Set"><c>invented</c> or <c>known</c>.</param>
public sealed record AnswerResult(
    [property: JsonPropertyName("set")] string Set,
    [property: JsonPropertyName("prompt")] string Prompt,
    [property: JsonPropertyName("answer")] string Answer,
    [property: JsonPropertyName("refused")] bool Refused);
