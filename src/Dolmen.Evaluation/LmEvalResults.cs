using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Dolmen.Evaluation;

/// <summary>One model's scores laid out as lm-eval writes its result files, so that tools that read those read ours.</summary>
internal static class LmEvalResults
{
    /// <summary>What lm-eval writes for a standard error that it does not compute.</summary>
    private const string NotAvailable = "N/A";

    public static JsonObject Of(string model, EvaluationResult result)
    {
        var (results, shots, samples, better, configs, versions) = (Object(), Object(), Object(), Object(), Object(), Object());
        foreach (var task in result.Scores.GroupBy(score => score.Task))
        {
            var values = new JsonObject { ["alias"] = task.Key };
            var directions = new JsonObject();
            foreach (var score in task)
            {
                values[score.Key] = score.Value;
                values[score.StandardErrorKey] = score.StandardError is { } error ? JsonValue.Create(error) : NotAvailable;
                if (score.HigherIsBetter is { } higher) directions[score.Metric] = higher;
            }
            results[task.Key] = values;
            better[task.Key] = directions;
            shots[task.Key] = task.First().Shots;
            samples[task.Key] = new JsonObject { ["original"] = task.Max(score => score.Count), ["effective"] = task.Max(s => s.Count) };
            versions[task.Key] = 1;
            if (result.Tasks.FirstOrDefault(asked => asked.Name() == task.Key) is { } settings)
                configs[task.Key] = JsonSerializer.SerializeToNode(settings, EvaluationJson.Default.EvalTask);
        }
        return new JsonObject
        {
            ["results"] = results,
            ["group_subtasks"] = new JsonObject(),
            ["configs"] = configs,
            ["versions"] = versions,
            ["n-shot"] = shots,
            ["higher_is_better"] = better,
            ["n-samples"] = samples,
            ["config"] = new JsonObject { ["model"] = "dolmen", ["model_args"] = $"pretrained={model}", ["random_seed"] = result.Seed },
            ["model_name"] = model,
            ["total_evaluation_time_seconds"] = result.Seconds.ToString("R", CultureInfo.InvariantCulture),
        };
    }

    private static JsonObject Object() => [];
}
