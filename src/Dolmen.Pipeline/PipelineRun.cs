using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Data.Inputs;
using Dolmen.Modeling;
using Dolmen.Pipeline.Recipes;
using Dolmen.Pipeline.Reports;
using Dolmen.Pipeline.Stages;

namespace Dolmen.Pipeline;

/// <summary>Documents to an aligned, evaluated, exported model: the stages of <see cref="PipelineStage.All"/>, then the report.</summary>
public static class PipelineRun
{
    public const string ResolvedRecipe = "recipe.resolved.jsonc";

    private const string ReportFile = "report.html";

    /// <summary>Goes on where an earlier call with the same recipe and inputs stopped; a finished run is left as it is.</summary>
    /// <param name="notice">Called with what a person should know at once: skipped stages, decisions made on the user's behalf.</param>
    /// <exception cref="UserErrorException">Inputs, recipe or directory are not what they should be; nothing was written.</exception>
    /// <exception cref="OperationCanceledException">Stopped; what was finished is kept.</exception>
    /// <param name="threads">All cores when null.</param>
    public static PipelineResult Run(
        PipelineRecipe recipe,
        string outDirectory,
        int? threads,
        IProgress<StageProgress> progress,
        Action<string> notice,
        CancellationToken stop
    )
    {
        Engine.Start(threads);
        progress.Report(new StageProgress("inputs", 0, 0, "files", "reading"));
        var inputs = CorpusInputs.Sha256(recipe.Inputs, stop);
        // The content decides, not where it lies: a run goes on after its inputs moved.
        var request = new JsonObject { ["inputs"] = inputs, ["recipe"] = RecipeFile.ToTree(recipe with { Inputs = [] }) };
        using var run = RunDirectory.Open(outDirectory, request);
        if (run.State == RunState.Complete)
        {
            notice($"{run.Path} is complete: nothing to do.");
            return PipelineResult.Read(run.Path);
        }
        if (run.State == RunState.Resumable) notice($"going on with the run in {run.Path}");
        var context = new PipelineContext(run.Path, recipe, inputs, threads, progress, notice, stop);
        var executor = new StageExecutor(run.Path, recipe.Seed, context.Commit, context.Machine);
        PipelineStage.RunAll(PipelineStage.All, context, executor);
        return Finish(context, run.Identity, executor.Costs);
    }

    private static PipelineResult Finish(PipelineContext run, string identity, IReadOnlyList<StageCost> costs)
    {
        var result = run.Result() with
        {
            Stages = costs,
            Seconds = costs.Sum(cost => cost.Seconds),
            PeakMemoryBytes = costs.Max(cost => cost.PeakMemoryBytes),
            EnergyJoules = costs.Sum(cost => cost.EnergyJoules),
            EnergyMethod = string.Join(", ", costs.Select(cost => cost.EnergyMethod).Distinct()),
        };
        var corpus = run.Corpus ?? throw new InvalidOperationException("A run has a corpus.");
        AtomicFile.WriteText(run.At(ReportFile), ReportPage.Html(result, run.Recipe, corpus));
        AtomicFile.WriteText(run.At(PipelineResult.FileName), result.ToFile());
        string[] whole =
        [
            ReportFile,
            PipelineResult.FileName,
            ResolvedRecipe,
            .. costs.Select(cost => $"{cost.Stage}/{Manifest.FileName}"),
            .. ContentHash.FilesBelow(run.At("model")).Where(file => file != Manifest.FileName).Select(file => $"model/{file}"),
        ];
        var recipe = RecipeFile.ToTree(run.Recipe with { Inputs = [] });
        new Manifest(
            RunDirectory.RunStage,
            identity,
            Inputs(run),
            [.. whole.Select(file => Manifest.FileOf(run.At(file), file))],
            StableHash.Sha256(RecipeFile.ToJson(run.Recipe)), run.Recipe.Seed, run.Commit, run.Machine, result.Seconds,
            new EnergyEstimate(result.EnergyJoules, result.EnergyMethod), result.PeakMemoryBytes)
        {
            Version = Manifest.ProgramVersion,
            Finished = DateTimeOffset.UtcNow.UtcDateTime,
            Recipe = ManifestInput.WithoutMachinePaths(recipe, run.Directory),
            Facts = new JsonObject
            {
                ["documents"] = corpus.Documents,
                ["parameters"] = result.Parameters,
                ["tokens"] = result.Tokens,
            },
        }.Write(run.Directory);
        return result;
    }

    /// <summary>What the corpus was made of, as the corpus stage recorded it one folder deeper.</summary>
    private static IReadOnlyList<ManifestInput> Inputs(PipelineContext run)
    {
        const string up = "../";
        var recorded = Manifest.Read(run.At("corpus"))?.Inputs ?? [];
        return [.. recorded.Select(input => input.Path is { } path && path.StartsWith(up, StringComparison.Ordinal)
            ? input with { Path = path[up.Length..] } : input)];
    }
}
