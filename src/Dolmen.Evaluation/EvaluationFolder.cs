using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Dolmen.Artifacts;
using Dolmen.Evaluation.Tasks;

namespace Dolmen.Evaluation;

internal sealed record ModelQuestion(
    [property: JsonPropertyName("model")] string Model, [property: JsonPropertyName("question")] QuestionResult Question);

internal sealed record ModelAnswer(
    [property: JsonPropertyName("model")] string Model, [property: JsonPropertyName("answer")] AnswerResult Answer);

internal sealed record ModelSample(
    [property: JsonPropertyName("model")] string Model, [property: JsonPropertyName("sample")] AnswerSample Sample);

internal sealed record TaskEntry(string Name, string Measures, IReadOnlyList<string> Metrics, EvalTask Recipe);

/// <summary>An evaluation on disk: <c>evaluation.json</c> (model name → scores), <c>evaluation.md</c>, one file a model in lm-eval's
/// layout, and what the scores were counted from, <c>questions.jsonl</c> and <c>answers.jsonl</c>.</summary>
public static class EvaluationFolder
{
    public const string ResultsFile = "evaluation.json";
    public const string TableFile = "evaluation.md";
    public const string AnswersFile = "answers.jsonl";

    /// <summary>Questions with the answers of each model, for people to read.</summary>
    public const string SamplesFile = "samples.jsonl";

    private const string QuestionsFile = "questions.jsonl";

    private static readonly JsonSerializerOptions Indented = new(EvaluationJson.Default.Options) { WriteIndented = true };

    public static void Write(string directory, IReadOnlyList<(string Name, EvaluationResult Result)> models)
    {
        Directory.CreateDirectory(directory);
        AtomicFile.WriteJsonLines(Path.Combine(directory, QuestionsFile),
            models.SelectMany(model => model.Result.QuestionResults.Select(question => new ModelQuestion(model.Name, question))),
            EvaluationJson.Default.ModelQuestion);
        AtomicFile.WriteJsonLines(Path.Combine(directory, AnswersFile),
            models.SelectMany(model => model.Result.Answers.Select(answer => new ModelAnswer(model.Name, answer))),
            EvaluationJson.Default.ModelAnswer);
        AtomicFile.WriteJsonLines(Path.Combine(directory, SamplesFile),
            models.SelectMany(model => model.Result.Samples.Select(sample => new ModelSample(model.Name, sample))),
            EvaluationJson.Default.ModelSample);
        foreach (var (name, result) in models)
        {
            var text = LmEvalResults.Of(name, result).ToJsonString(Indented) + "\n";
            AtomicFile.WriteText(Path.Combine(directory, $"lm-eval-{name}.json"), text);
        }
        AtomicFile.WriteText(Path.Combine(directory, TableFile), EvaluationTable.Markdown(models));
        AtomicFile.WriteText(Path.Combine(directory, ResultsFile), Json(models));
    }

    /// <summary>Questions with the answers that a model gave from passages, drawn by chance; none where no such task ran.</summary>
    /// <exception cref="UserErrorException">A line is not what was written there.</exception>
    public static IReadOnlyList<AnswerSample> ReadSamples(string directory, string model) =>
    [
        .. Lines(directory, SamplesFile, EvaluationJson.Default.ModelSample).Where(line => line.Model == model)
            .Select(line => line.Sample),
    ];

    /// <summary>What a model said to questions about names that exist and names that do not; none where no such task ran.</summary>
    /// <inheritdoc cref="ReadSamples"/>
    public static IEnumerable<AnswerResult> ReadAnswers(string directory, string model) =>
        Lines(directory, AnswersFile, EvaluationJson.Default.ModelAnswer).Where(line => line.Model == model).Select(line => line.Answer);

    private static IEnumerable<T> Lines<T>(string directory, string file, JsonTypeInfo<T> type)
    {
        var path = Path.Combine(directory, file);
        return File.Exists(path) ? JsonLines.Read(path, type).Select(line => line.Value) : [];
    }

    /// <summary>Model name → scores, in the order given.</summary>
    public static string Json(IReadOnlyList<(string Name, EvaluationResult Result)> models) =>
        new JsonObject(models.Select(model => KeyValuePair.Create<string, JsonNode?>(model.Name, ToNode(model.Result))))
            .ToJsonString(Indented) + "\n";

    /// <summary>The registered tasks with the limits they would run with.</summary>
    public static string Json(IReadOnlyList<EvalTask> tasks) =>
        JsonSerializer.Serialize([.. tasks.Select(task => new TaskEntry(task.Name(), task.Measures(), task.Metrics(), task))],
            new EvaluationJson(new JsonSerializerOptions(Indented)).TaskEntryArray) + "\n";

    /// <summary>The scores by their short names first, for people and scripts that want one figure, then every record.</summary>
    internal static JsonObject ToNode(EvaluationResult result)
    {
        var node = new JsonObject();
        foreach (var score in result.Scores.Where(score => score.HigherIsBetter is not null))
        {
            // The name that scripts know from the training logs.
            var name = score.Metric == BitsPerByteTask.Metric ? "bitsPerByte" : score.ShortName;
            if (!node.TryAdd(name, score.Value) || score.StandardError is not { } error) continue;
            node[$"{name}_stderr"] = error;
        }
        var records = JsonSerializer.SerializeToNode(result, EvaluationJson.Default.EvaluationResult)?.AsObject() ?? [];
        foreach (var (key, value) in records.ToList())
        {
            records.Remove(key);
            node[key] = value;
        }
        return node;
    }
}
