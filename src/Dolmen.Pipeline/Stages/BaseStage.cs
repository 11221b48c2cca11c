using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Pipeline.Recipes;
using Dolmen.Tokenization;
using Dolmen.Training;

namespace Dolmen.Pipeline.Stages;

/// <summary>The base model, pretrained on the token shards.</summary>
internal sealed class BaseStage : TrainingStage
{
    public override string Name => "base";

    public override JsonNode? Recipe(PipelineContext run) => run.Part("model", "training", "base");

    public override IReadOnlyList<string> Inputs(PipelineContext run) => ["tokens/train.bin", "tokens/val.bin", "tokenizer/tokenizer.json"];

    public override void Prepare(PipelineContext run)
    {
        if (!run.Aligns)
            run.Note("There is nothing to align on: SFT, DPO and their evaluation are left out, and the base model is exported.");
        ResolveRecipe(run);
        if (PortabilityNotice(run.Model(TokenizerFolder.Load(run.At("tokenizer")).VocabSize), run.Recipe.Inputs.Count == 0) is { } notice)
            run.Note(notice);
    }

    /// <summary>What a portable plan would give and take; null where the model has nothing that others lack.</summary>
    /// <param name="defaultCorpus">The one of which it was measured what the tables bring.</param>
    internal static string? PortabilityNotice(ModelConfig model, bool defaultCorpus)
    {
        if (model is not DolmenConfig own) return null;
        List<string> parts = [];
        if (own.BigramRows + own.TrigramRows > 0) parts.Add("n-gram tables");
        if (own.MatchTokens > 0) parts.Add("look-ups of how the text went on before");
        if (parts.Count == 0) return null;
        var cost = defaultCorpus && own.BigramRows + own.TrigramRows > 0
            ? "; it needed 13 % more bits for a byte after the same tokens (docs/SPEEDRUN.md)" : "";
        var reading = own.MatchTokens > 0 ? " So small a model does not learn to copy from documents without those look-ups." : "";
        return $"The model has {string.Join(" and ", parts)}, which only Dolmen runs. --plan llama trains one that llama.cpp and "
            + $"transformers run too{cost}.{reading}";
    }

    protected override TrainingOutcome Train(PipelineContext run, TrainingContext context)
    {
        var tokenizer = run.At("tokenizer");
        var model = run.Model(TokenizerFolder.Load(tokenizer).VocabSize);
        return TrainingStages.Pretrain(model, run.Recipe.Base, run.At("tokens"), tokenizer, context);
    }

    /// <summary>Speed is measured once a run: what was decided then is read again when the run goes on.</summary>
    private static void ResolveRecipe(PipelineContext run)
    {
        var path = run.At(PipelineRun.ResolvedRecipe);
        var tokenizer = TokenizerFolder.Load(run.At("tokenizer"));
        var (asked, model, begins) = (run.Recipe.Training.Precision, run.Model(tokenizer.VocabSize), !File.Exists(path));
        if (begins)
        {
            var preferences = run.Aligns ? run.At("corpus", CorpusFolder.Preferences) : null;
            var resolved = TrainingBudget.Resolve(run.Recipe, model, tokenizer, preferences, run.Progress);
            AtomicFile.WriteText(
                path,
                $"// What this run did, in full: the recipe asked for {run.Recipe.Minutes} minutes of training. Repeat it, bit for bit, "
                    + $"with\n"
                    + $"//   {CommandName.Shown} run {PipelineRun.ResolvedRecipe} "
                    + $"--threads {run.Threads ?? Environment.ProcessorCount} --out OTHER\n{RecipeFile.ToJson(resolved)}\n"
            );
        }
        run.Recipe = RecipeFile.Load(path, new RecipeChanges());
        var arithmetic = run.Recipe.Training.Precision;
        run.Arithmetic = asked == Precision.Auto && !begins
            ? new ComputePath(arithmetic, $"{ComputePath.Name(arithmetic)}, as this run began")
            : ComputePath.Choose(asked, model);
    }
}
