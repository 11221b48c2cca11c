namespace Dolmen.Training;

public static class Schedule
{
    /// <summary>Share of the peak learning rate at <paramref name="step"/> (from 0) of <paramref name="steps"/>.</summary>
    public static double Share(ScheduleRecipe recipe, int step, int steps)
    {
        var warmup = Math.Ceiling(recipe.WarmupFraction * steps);
        if (step < warmup) return (step + 1) / warmup;
        if (recipe.Kind == ScheduleKind.Constant) return 1;
        if (recipe.Kind == ScheduleKind.WarmupCosine)
        {
            var done = (step - warmup) / Math.Max(1, steps - 1 - warmup);
            return recipe.FinalFraction + (1 - recipe.FinalFraction) * 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, done)));
        }
        var decay = Math.Max(1, Math.Ceiling(recipe.DecayFraction * steps));
        var into = step - (steps - decay);
        return into < 0 ? 1 : 1 - (1 - recipe.FinalFraction) * (into + 1) / decay;
    }
}
