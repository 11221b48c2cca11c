using System.Globalization;
using System.Text.Json.Serialization;

namespace Dolmen.Evaluation;

/// <summary>One measured value: of which task, by which metric, over which part of its items.</summary>
/// <param name="Task">The task's name, which is its key in the results.</param>
/// <param name="Metric">As lm-eval names it where it has the same: <c>acc</c>, <c>acc_norm</c>, <c>bits_per_byte</c>.</param>
/// <param name="Filter">Which of the task's items count; <see cref="AllItems"/> where all do.</param>
/// <param name="StandardError">Of <paramref name="Value"/>; null where there are too few items to tell, and of plain counts.</param>
/// <param name="Count">Items that were measured.</param>
/// <param name="HigherIsBetter">Null for a figure that describes what was measured and is not a score.</param>
public sealed record EvaluationScore(
    [property: JsonPropertyName("task")] string Task,
    [property: JsonPropertyName("metric")] string Metric,
    [property: JsonPropertyName("filter")] string Filter,
    [property: JsonPropertyName("value")] double Value,
    [property: JsonPropertyName("stderr")] double? StandardError,
    [property: JsonPropertyName("n")] long Count,
    [property: JsonPropertyName("higher_is_better")] bool? HigherIsBetter)
{
    public const string AllItems = "none";

    /// <summary>Solved examples before each item as the recipe asks for them; what a short context had room for is a figure of its own,
    /// <c>shots</c>.</summary>
    [JsonPropertyName("n_shot")]
    public int Shots { get; init; }

    /// <summary>A part of another score: in the records and under its short name, and left out of tables.</summary>
    [JsonPropertyName("detail")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsDetail { get; init; }

    /// <summary>The key under lm-eval's results: <c>acc_norm,none</c>.</summary>
    [JsonIgnore]
    public string Key => $"{Metric},{Filter}";

    /// <summary>The key of the standard error under lm-eval's results: <c>acc_norm_stderr,none</c>.</summary>
    [JsonIgnore]
    public string StandardErrorKey => $"{Metric}_stderr,{Filter}";

    /// <summary>One word that tells metric, filter and number of shots: <c>acc_norm_unseen</c>, <c>acc_norm_5shot</c>.</summary>
    [JsonIgnore]
    public string ShortName => NameOf(Metric, Filter, Shots);

    public static string NameOf(string metric, string filter, int shots) =>
        string.Join('_', Parts(metric, filter).Concat(shots == 0 ? [] : [$"{shots.ToString(CultureInfo.InvariantCulture)}shot"]));

    /// <summary>The same for people, as the head of a column.</summary>
    [JsonIgnore]
    public string Title => string.Join(' ', Parts(Metric, Filter).Concat(Shots == 0 ? [] : [$"{Shots}-shot"]));

    private static IEnumerable<string> Parts(string metric, string filter) => filter == AllItems ? [metric] : [metric, filter];
}
