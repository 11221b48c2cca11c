using Dolmen.Evaluation.Tasks;

namespace Dolmen.Evaluation;

/// <summary>How much to measure; the questions beyond a limit are left out by a draw with the run's seed.</summary>
/// <param name="FewShot">Solved examples before each question of the second multiple-choice pass; 0 leaves that pass out.</param>
/// <param name="HeldOutBytes">Held-out text to score for bits per byte; the last document drawn is scored whole.</param>
public sealed record EvaluationRecipe(
    int MaxQuestions = 1000, int FewShot = 5, int MaxInvented = 200, int MaxKnown = 200, int HeldOutBytes = 262144)
{
    public IReadOnlyList<EvalTask> Tasks()
    {
        List<EvalTask> tasks = [];
        if (HeldOutBytes > 0) tasks.Add(new BitsPerByteTask(HeldOutBytes));
        if (MaxQuestions > 0) tasks.Add(new MultipleChoiceTask(MaxQuestions));
        if (MaxQuestions > 0 && FewShot > 0) tasks.Add(new MultipleChoiceTask(MaxQuestions, FewShot));
        if (MaxInvented > 0 || MaxKnown > 0) tasks.Add(new RefusalTask(MaxInvented, MaxKnown));
        return tasks;
    }

    /// <summary>All problems at once; empty when the recipe can be run.</summary>
    public IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        void NotNegative(string name, int value)
        {
            if (value < 0) problems.Add($"evaluation.{name} is {value}: it must be 0 (leave it out) or more.");
        }
        NotNegative("maxQuestions", MaxQuestions);
        NotNegative("fewShot", FewShot);
        NotNegative("maxInvented", MaxInvented);
        NotNegative("maxKnown", MaxKnown);
        NotNegative("heldOutBytes", HeldOutBytes);
        return problems;
    }
}
