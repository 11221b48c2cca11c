using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;

namespace Dolmen.Evaluation;

internal sealed record ModelQuestion(
    [property: JsonPropertyName("model")] string Model, [property: JsonPropertyName("question")] QuestionResult Question);

internal sealed record ModelAnswer(
    [property: JsonPropertyName("model")] string Model, [property: JsonPropertyName("answer")] AnswerResult Answer);

internal sealed record TaskEntry(string Name, string Measures, IReadOnlyList<string> Metrics, EvalTask Recipe);

/// <summary>An evaluation on disk: <c>evaluation.json</c> (model name → metrics), <c>evaluation.md</c>, and what they were counted from,
/// <c>questions.jsonl</c> and <c>answers.jsonl</c>.</summary>
public static class EvaluationFolder
{
    private static readonly EvaluationJson Indented =
        new(new JsonSerializerOptions(EvaluationJson.Default.Options) { WriteIndented = true });

    public static void Write(string directory, IReadOnlyList<(string Name, EvaluationResult Result)> models)
    {
        Directory.CreateDirectory(directory);
        AtomicFile.WriteJsonLines(Path.Combine(directory, "questions.jsonl"),
            models.SelectMany(model => model.Result.QuestionResults.Select(question => new ModelQuestion(model.Name, question))),
            EvaluationJson.Default.ModelQuestion);
        AtomicFile.WriteJsonLines(Path.Combine(directory, "answers.jsonl"),
            models.SelectMany(model => model.Result.Answers.Select(answer => new ModelAnswer(model.Name, answer))),
            EvaluationJson.Default.ModelAnswer);
        AtomicFile.WriteText(Path.Combine(directory, "evaluation.md"), EvaluationTable.Markdown(models));
        AtomicFile.WriteText(Path.Combine(directory, "evaluation.json"), Json(models));
    }

    /// <summary>Model name → metrics, in the order given.</summary>
    public static string Json(IReadOnlyList<(string Name, EvaluationResult Result)> models) =>
        JsonSerializer.Serialize(
            new OrderedDictionary<string, EvaluationResult>(models.Select(model => KeyValuePair.Create(model.Name, model.Result))),
            Indented.OrderedDictionaryStringEvaluationResult) + "\n";

    /// <summary>The registered tasks with the limits they would run with.</summary>
    public static string Json(IReadOnlyList<EvalTask> tasks) =>
        JsonSerializer.Serialize([.. tasks.Select(task => new TaskEntry(task.Name, task.Measures, task.Metrics(), task))],
            Indented.TaskEntryArray) + "\n";
}
