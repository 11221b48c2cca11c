namespace Dolmen.Evaluation;

/// <summary>Two models on the same questions. Their common luck cancels out, so that a difference shows with far fewer questions than two
/// separate standard errors suggest.</summary>
/// <param name="OnlyFirst">Questions only the first model got right.</param>
/// <param name="OnlySecond">Questions only the second got right.</param>
/// <param name="P">Two-sided exact McNemar test: how often a fair coin would split the disagreements this unevenly or worse.</param>
public sealed record PairedComparison(int Questions, int OnlyFirst, int OnlySecond, double P)
{
    public double Difference => Questions == 0 ? 0 : (OnlySecond - OnlyFirst) / (double)Questions;

    /// <summary>Compares acc_norm over the questions of one task that both models answered.</summary>
    public static PairedComparison Of(EvaluationResult first, EvaluationResult second, string task)
    {
        var before = new Dictionary<string, bool>(StringComparer.Ordinal);
        foreach (var question in first.QuestionResults.Where(q => q.Task == task))
        {
            before[question.Id] = question.PickedNorm == question.Gold;
        }
        var (questions, onlyFirst, onlySecond) = (0, 0, 0);
        foreach (var question in second.QuestionResults.Where(q => q.Task == task))
        {
            if (!before.TryGetValue(question.Id, out var wasRight)) continue;
            var isRight = question.PickedNorm == question.Gold;
            questions++;
            if (wasRight && !isRight) onlyFirst++;
            if (!wasRight && isRight) onlySecond++;
        }
        return new PairedComparison(questions, onlyFirst, onlySecond, McNemar(onlyFirst, onlySecond));
    }

    /// <summary>min(1, 2·P(X ≤ min(b, c))) for X ~ Binomial(b + c, ½) (McNemar 1947, the exact form).</summary>
    public static double McNemar(int onlyFirst, int onlySecond)
    {
        var n = onlyFirst + onlySecond;
        var logTerm = -n * Math.Log(2);                                  // ln P(X = 0); terms by recurrence, in logs against underflow
        var tail = 0.0;
        for (var k = 0; k <= Math.Min(onlyFirst, onlySecond); k++)
        {
            tail += Math.Exp(logTerm);
            logTerm += Math.Log(n - k) - Math.Log(k + 1);
        }
        return Math.Min(1, 2 * tail);
    }
}
