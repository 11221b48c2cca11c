using Dolmen.Artifacts;
using Dolmen.Evaluation.Tasks;

namespace Dolmen.Evaluation;

/// <summary>What to measure, task by task; the items beyond a task's limit are left out by a draw with the run's seed.</summary>
/// <param name="Tasks"><see cref="Standard"/> where the recipe says nothing.</param>
public sealed record EvaluationRecipe(IReadOnlyList<EvalTask>? Tasks = null)
{
    public static IReadOnlyList<EvalTask> Standard { get; } =
        [new BitsPerByteTask(), new MultipleChoiceTask(), new MultipleChoiceTask(Shots: 5), new OpenBookTask(), new RefusalTask()];

    public IReadOnlyList<EvalTask> Tasks { get; init; } = Tasks ?? Standard;

    /// <summary>All problems at once; empty when the recipe can be run.</summary>
    public IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        if (Tasks.Count == 0)
            problems.Add($"evaluation.tasks is empty: it must name at least one task. '{CommandName.Shown} eval ls' lists them.");
        for (var i = 0; i < Tasks.Count; i++)
            problems.AddRange(Tasks[i].Problems().Select(problem => $"evaluation.tasks.{i}.{problem}"));
        foreach (var name in Tasks.CountBy(task => task.Name()).Where(count => count.Value > 1).Select(count => count.Key))
        {
            problems.Add($"evaluation.tasks has '{name}' more than once: its results would have the same name. Leave one out, or ask for "
                + "another number of shots.");
        }
        return problems;
    }
}
