using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Retrieval;
using Dolmen.Tokenization;

namespace Dolmen.Evaluation;

public static class EvaluationRun
{
    /// <summary>Runs the recipe's tasks on the held-out files of a corpus directory. Apart from <see cref="EvaluationResult.Seconds"/> the
    /// same model, corpus, recipe and seed give the same result.</summary>
    /// <param name="documentIndex">The index of the documents; null takes the one that the run keeps beside its corpus, if
    /// any.</param>
    /// <exception cref="UserErrorException">The recipe asks for nothing possible, or the directory holds none of the tasks'
    /// files.</exception>
    public static EvaluationResult Run(
        LanguageModel model, Tokenizer tokenizer, string corpusDirectory, EvaluationRecipe recipe, ulong seed,
        IProgress<StageProgress> progress, CancellationToken stop, string? documentIndex = null)
    {
        Check(model, tokenizer, corpusDirectory, recipe);
        var started = Stopwatch.GetTimestamp();
        var input = new EvaluationInput(model, tokenizer, corpusDirectory, seed, progress, stop)
        {
            DocumentIndex = documentIndex ?? IndexBeside(corpusDirectory),
        };
        var result = new EvaluationResult([]) { Seed = seed, Tasks = recipe.Tasks };
        var ran = 0;
        foreach (var task in recipe.Tasks)
        {
            stop.ThrowIfCancellationRequested();
            var missing = task.Files().Where(file => !File.Exists(Path.Combine(corpusDirectory, file))).ToList();
            if (missing.Count > 0)
            {
                var warning = $"{task.Name()} was skipped: the corpus holds no {string.Join(" and no ", missing)}.";
                result = result with { Warnings = [.. result.Warnings, warning] };
                continue;
            }
            result = result.With(task.Run(input));
            ran++;
        }
        if (ran > 0 && result.Data.Sum(counts => counts.Used) == 0)
        {
            throw new UserErrorException($"nothing of '{corpusDirectory}' could be evaluated: {string.Join("; ", result.Warnings)} " +
                "Build the corpus of more documents, or use a model with a longer context.");
        }
        if (ran == 0)
        {
            throw new UserErrorException($"'{corpusDirectory}' holds nothing to evaluate on: it needs at least one of " +
                $"{string.Join(", ", recipe.Tasks.SelectMany(task => task.Files()).Distinct())}. Build it with " +
                $"'{CommandName.Shown} corpus build', or name the corpus folder of a finished run.");
        }
        return result with { Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds };
    }

    private static string? IndexBeside(string corpusDirectory)
    {
        var run = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(corpusDirectory)));
        var file = IndexPlace.OfRun(run ?? "");
        return File.Exists(file) ? file : null;
    }

    private static void Check(LanguageModel model, Tokenizer tokenizer, string corpusDirectory, EvaluationRecipe recipe)
    {
        if (recipe.Problems() is { Count: > 0 } problems) throw new UserErrorException(string.Join("\n", problems));
        if (!Directory.Exists(corpusDirectory))
        {
            throw new UserErrorException($"The corpus folder '{corpusDirectory}' does not exist. Build one with " +
                $"'{CommandName.Shown} corpus build', or name another.");
        }
        if (tokenizer.VocabSize > model.Config.VocabSize)
        {
            throw new UserErrorException($"The tokenizer has {tokenizer.VocabSize} ids but the model only {model.Config.VocabSize}: " +
                "they do not belong together. Use the tokenizer files of the model's own folder.");
        }
    }
}
