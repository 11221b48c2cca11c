using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Data;
using Dolmen.Data.Inputs;
using Dolmen.Evaluation;
using Dolmen.Inference;
using Dolmen.Modeling;
using Dolmen.Pipeline.Recipes;
using Dolmen.Pipeline.Reports;
using Dolmen.Pipeline.Stages;
using Dolmen.Tokenization;
using Dolmen.Training;

namespace Dolmen.Pipeline;

/// <summary>Documents to an aligned, evaluated, exported model: corpus, tokenizer, tokens, base, sft, dpo, evaluation, model,
/// report.</summary>
public sealed class PipelineRun
{
    public const string ResolvedRecipe = "recipe.resolved.jsonc";

    private static readonly string[] CorpusTrainingFiles = [CorpusFolder.Documents, CorpusFolder.HeldOut];

    private readonly RunDirectory _run;
    private readonly IProgress<StageProgress> _progress;
    private readonly CancellationToken _stop;
    private readonly StageExecutor _stages;
    private readonly MachineSnapshot _machine = MachineSnapshot.Take();
    private readonly string? _commit = GitCommit.Of(AppContext.BaseDirectory);
    private readonly List<string> _notices = [];
    private readonly string _inputsSha256;
    private readonly int? _threads;
    private readonly Action<string> _notice;
    private PipelineRecipe _recipe;

    private PipelineRun(
        RunDirectory run,
        PipelineRecipe recipe,
        string inputsSha256,
        int? threads,
        IProgress<StageProgress> progress,
        Action<string> notice,
        CancellationToken stop
    )
    {
        (_run, _recipe, _inputsSha256, _threads, _progress, _notice, _stop) = (run, recipe, inputsSha256, threads, progress, notice, stop);
        _stages = new StageExecutor(run.Path, recipe.Seed, _commit, _machine);
    }

    /// <summary>Goes on where an earlier call with the same recipe and inputs stopped; a finished run is left as it is.</summary>
    /// <param name="notice">Told what a person should know at once: skipped stages, decisions made on the user's behalf.</param>
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
        return new PipelineRun(run, recipe, inputs, threads, progress, notice, stop).Execute(notice);
    }

    private PipelineResult Execute(Action<string> notice)
    {
        void Note(string text)
        {
            _notices.Add(text);
            notice(text);
        }
        var corpus = Corpus();
        var report = CorpusBuild.ReadReport(corpus);
        foreach (var text in report.Notices) Note(text);
        var tokenizerDirectory = Tokenizer(corpus);
        var tokenizer = TokenizerFolder.Load(tokenizerDirectory);
        var tokens = Tokens(corpus, tokenizerDirectory);
        RequireEnoughTokens(tokens);

        var aligns = report is { Conversations: > 0, Preferences: > 0 };
        if (!aligns) Note("there is nothing to align on: SFT, DPO and their evaluation are left out, and the base model is exported.");
        notice($"computing with {ComputePath.Choose(_recipe.Training.Precision).Reason}");
        ResolveRecipe(tokenizer, aligns ? Path.Combine(corpus, CorpusFolder.Preferences) : null);

        var training = new Dictionary<string, TrainingOutcome> { ["base"] = Base(tokens, tokenizerDirectory) };
        if (aligns)
        {
            training["sft"] = Align("sft", "base", Path.Combine(corpus, CorpusFolder.Conversations), _recipe.Sft,
                (file, model, context) => TrainingStages.Sft(_recipe.Sft, model, file, context));
            training["dpo"] = Align("dpo", "sft", Path.Combine(corpus, CorpusFolder.Preferences), _recipe.Dpo,
                (file, model, context) => TrainingStages.Dpo(_recipe.Dpo, model, file, context));
        }
        var evaluation = Evaluate(corpus, training.Keys);
        var result = new PipelineResult(
            _run.Path,
            Path.Combine(_run.Path, "model"),
            0,
            0,
            training["base"].Parameters,
            training.Values.Sum(stage => stage.Tokens),
            0,
            "",
            _recipe.Seed,
            training,
            evaluation,
            [],
            _notices,
            _commit,
            _machine
        );
        Export(training.Keys.Last(), corpus, result, report);
        return Finish(result, report);
    }

    private string Corpus() => _stages.Execute(new Stage(
        "corpus", Part("corpus"), new Dictionary<string, string> { ["inputs"] = _inputsSha256 }, Resumes: true,
        directory => CorpusBuild.Run(_recipe.Corpus, _recipe.Inputs, directory, _recipe.Seed, _progress, _stop)));

    private string Tokenizer(string corpus) =>
        _stages.Execute(
            new Stage(
                "tokenizer",
                Part("tokenizer"),
                Inputs(Path.Combine(corpus, CorpusTrainingFiles[0])),
                Resumes: false,
                directory =>
                    TokenizerFolder.Save(
                        BpeTrainer.Train(CorpusText.ReadTexts(corpus), _recipe.Tokenizer, _progress, _stop, _threads).Tokenizer,
                        directory,
                        _recipe.Training.ContextLength
                    )
            )
        );

    private string Tokens(string corpus, string tokenizer) =>
        _stages.Execute(
            new Stage(
                "tokens",
                null,
                Inputs([.. CorpusTrainingFiles.Select(file => Path.Combine(corpus, file)), Path.Combine(tokenizer, "tokenizer.json")]),
                Resumes: false,
                directory => CorpusTokens.Pack(corpus, tokenizer, directory, _progress, _stop)
            )
        );

    private TrainingOutcome Base(string tokens, string tokenizer) =>
        Train(
            "base",
            Part("model", "training", "base"),
            Inputs(Path.Combine(tokens, "train.bin"), Path.Combine(tokens, "val.bin"), Path.Combine(tokenizer, "tokenizer.json")),
            context => TrainingStages.Pretrain(Model(TokenizerFolder.Load(tokenizer).VocabSize), _recipe.Base, tokens, tokenizer, context)
        );

    private TrainingOutcome Align<T>(
        string name,
        string from,
        string dataFile,
        T recipe,
        Func<string, string, TrainingContext, TrainingOutcome> train
    )
        where T : notnull
    {
        var model = Path.Combine(_run.Path, from, "model");
        return Train(name, Part("training", name), Inputs(model, dataFile), context => train(dataFile, model, context));
    }

    /// <summary>The outcome is kept in the stage's directory, so that a skipped stage still has one.</summary>
    private TrainingOutcome Train(
        string name,
        JsonNode recipe,
        IReadOnlyDictionary<string, string> inputs,
        Func<TrainingContext, TrainingOutcome> train
    )
    {
        var directory = _stages.Execute(
            new Stage(
                name,
                recipe,
                inputs,
                Resumes: true,
                at =>
                {
                    var outcome = train(new TrainingContext(at, _recipe.Seed, _recipe.Training, _progress, _stop) { Notice = _notice });
                    AtomicFile.WriteJson(Path.Combine(at, "outcome.json"), outcome, PipelineJson.Default.TrainingOutcome);
                }
            )
        );
        return JsonSerializer.Deserialize(File.ReadAllText(Path.Combine(directory, "outcome.json")), PipelineJson.Default.TrainingOutcome)
            ?? throw new InvalidOperationException($"{name}/outcome.json is null.");
    }

    private JsonObject Evaluate(string corpus, IEnumerable<string> models)
    {
        var folders = models.ToDictionary(name => name, name => Path.Combine(_run.Path, name, "model"));
        string[] files = [
            CorpusFolder.HeldOut,
            CorpusFolder.MultipleChoice,
            CorpusFolder.FewShot,
            CorpusFolder.Invented,
            CorpusFolder.Known,
        ];
        var directory = _stages.Execute(
            new Stage(
                "evaluation",
                Part("evaluation"),
                Inputs([.. folders.Values, .. files.Select(file => Path.Combine(corpus, file))]),
                Resumes: false,
                at =>
                {
                    List<(string, EvaluationResult)> results = [];
                    foreach (var (name, folder) in folders)
                    {
                        var (model, tokenizer) = ModelFolder.Load(folder, _threads);
                        using var owned = model;
                        var progress = new RenamedProgress(_progress, $"eval {name}");
                        results.Add((name, EvaluationRun.Run(model, tokenizer, corpus, _recipe.Evaluation, _recipe.Seed, progress, _stop)));
                    }
                    EvaluationFolder.Write(at, results);
                }
            )
        );
        return JsonNode.Parse(File.ReadAllText(Path.Combine(directory, "evaluation.json")))?.AsObject()
            ?? throw new InvalidOperationException("evaluation.json is no object.");
    }

    private void Export(string final, string corpus, PipelineResult result, CorpusReport report)
    {
        var source = Path.Combine(_run.Path, final, "model");
        var evaluation = Path.Combine(_run.Path, "evaluation", "evaluation.md");
        _stages.Execute(new Stage("model", null, Inputs(source, evaluation), Resumes: false, directory =>
        {
            foreach (var file in ContentHash.FilesBelow(source))
            {
                var target = Path.Combine(directory, file);
                Directory.CreateDirectory(Path.GetDirectoryName(target) ?? directory);
                AtomicFile.Write(target, stream =>
                {
                    using var from = File.OpenRead(Path.Combine(source, file));
                    from.CopyTo(stream);
                });
            }
            var card = ModelCard.Markdown(result, _recipe, report, File.ReadAllText(evaluation), _inputsSha256, source);
            AtomicFile.WriteText(Path.Combine(directory, "README.md"), card);
        }));
    }

    private PipelineResult Finish(PipelineResult result, CorpusReport report)
    {
        var costs = _stages.Costs;
        result = result with
        {
            Stages = costs,
            Seconds = costs.Sum(cost => cost.Seconds),
            PeakMemoryBytes = costs.Max(cost => cost.PeakMemoryBytes),
            EnergyJoules = costs.Sum(cost => cost.EnergyJoules),
            EnergyMethod = string.Join(", ", costs.Select(cost => cost.EnergyMethod).Distinct()),
        };
        string At(string name) => Path.Combine(_run.Path, name);
        AtomicFile.WriteText(At("report.html"), ReportPage.Html(result, _recipe, report));
        AtomicFile.WriteText(At(PipelineResult.FileName), result.ToFile());
        string[] whole =
        [
            "report.html",
            PipelineResult.FileName,
            ResolvedRecipe,
            .. costs.Select(cost => $"{cost.Stage}/{Manifest.FileName}"),
            .. ContentHash.FilesBelow(At("model")).Where(file => file != Manifest.FileName).Select(file => $"model/{file}"),
        ];
        new Manifest(
            "run",
            _run.Identity,
            new Dictionary<string, string> { ["inputs"] = _inputsSha256 },
            [.. whole.Select(file => new ManifestFile(file, new FileInfo(At(file)).Length, StableHash.Sha256OfFile(At(file))))],
            StableHash.Sha256(RecipeFile.ToJson(_recipe)), _recipe.Seed, _commit, _machine, result.Seconds,
            new EnergyEstimate(result.EnergyJoules, result.EnergyMethod), result.PeakMemoryBytes).Write(_run.Path);
        return result;
    }

    /// <summary>Speed is measured once a run: what was decided then is read again when the run goes on.</summary>
    private void ResolveRecipe(Tokenizer tokenizer, string? preferencesFile)
    {
        var path = Path.Combine(_run.Path, ResolvedRecipe);
        if (!File.Exists(path))
        {
            var resolved = TrainingBudget.Resolve(_recipe, Model(tokenizer.VocabSize), tokenizer, preferencesFile, _progress);
            AtomicFile.WriteText(
                path,
                $"// What this run did, in full: the recipe asked for {_recipe.Minutes} minutes of training. Repeat it, bit for bit, with\n"
                    + $"//   ./dolmen run {ResolvedRecipe} --threads {_threads ?? Environment.ProcessorCount} --out "
                    + $"OTHER\n{RecipeFile.ToJson(resolved)}\n"
            );
        }
        _recipe = RecipeFile.Load(path, new RecipeChanges());
    }

    private void RequireEnoughTokens(string tokensDirectory)
    {
        var counts = JsonNode.Parse(File.ReadAllText(Path.Combine(tokensDirectory, "tokens.json")));
        var context = _recipe.Training.ContextLength;
        foreach (var (what, name) in new[] { ("training", "trainTokens"), ("held-out", "valTokens") })
        {
            var count = counts?[name]?.GetValue<long>() ?? 0;
            if (count > context) continue;
            throw new UserErrorException(
                $"training.contextLength is {context} but there are only {count} {what} tokens: a context must fit into the text. "
                    + $"Add documents with --input, or choose a smaller one with --set "
                    + $"training.contextLength="
                    + $"{Math.Max(8, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, count / 4)))}."
            );
        }
    }

    private ModelConfig Model(int vocabSize) => _recipe.Model.Build(vocabSize, _recipe.Training.ContextLength);

    /// <summary>Parts of the recipe as JSON.</summary>
    private JsonObject Part(params ReadOnlySpan<string> keys)
    {
        var (tree, part) = (RecipeFile.ToTree(_recipe), new JsonObject());
        foreach (var key in keys) part[key] = tree[key]?.DeepClone();
        return part;
    }

    private Dictionary<string, string> Inputs(params string[] paths) =>
        paths.ToDictionary(path => Path.GetRelativePath(_run.Path, path).Replace('\\', '/'), path => ContentHash.Of(path, _stop));

    private sealed class RenamedProgress(IProgress<StageProgress> inner, string stage) : IProgress<StageProgress>
    {
        public void Report(StageProgress value) =>
            inner.Report(value with { Stage = stage, Detail = value.Stage + (value.Detail.Length > 0 ? " · " + value.Detail : "") });
    }
}
