using System.CommandLine;
using Dolmen.Artifacts;
using Dolmen.Pipeline.Recipes;
using Dolmen.Tokenization;
using Dolmen.Training;

namespace Dolmen.Cli.Commands;

/// <summary><c>model pretrain</c>.</summary>
internal static class PretrainCommand
{
    public static Command Build() =>
        TrainingVerbs.Build(
            "pretrain",
            "Train a base model on token shards, or an encoder-decoder on pairs of texts.",
            [
                TrainingVerbs.Input("--tokens", "Token shards, as 'tokens pack' writes them.", "DIR", required: false),
                TrainingVerbs.Input(
                    "--tokenizer",
                    "The tokenizer they were made with; learned from the pairs when left out.",
                    "DIR",
                    required: false
                ),
                TrainingVerbs.Input(
                    "--pairs",
                    "Sources and targets: JSON lines {\"source\",\"target\"}, two text files of equal lines, also .gz or .zst, or "
                        + "reverse:COUNT:SEED.",
                    "FILE[,FILE]",
                    required: false
                ),
            ],
            ["model", "base", "tokenizer"],
            (recipe, inputs, context) =>
            {
                var (tokens, tokenizer, pairs) = (inputs[0], inputs[1], inputs[2]);
                if (tokens.Length > 0 == pairs.Length > 0)
                    throw new UserErrorException("pretrain learns from --tokens or from --pairs: name one of them.");
                if (pairs.Length > 0)
                {
                    if (tokenizer.Length == 0)
                        tokenizer = Learn(recipe, pairs, context);
                    return TrainingStages.PretrainPairs(Model(recipe, tokenizer), recipe.Base, pairs, tokenizer, context);
                }
                if (tokenizer.Length == 0)
                    throw new UserErrorException("--tokens needs --tokenizer: the one they were made with.");
                return TrainingStages.Pretrain(Model(recipe, tokenizer), recipe.Base, tokens, tokenizer, context);
            }
        );

    private static Checkpoints.ModelConfig Model(PipelineRecipe recipe, string tokenizer) =>
        recipe.Model.Build(TokenizerFolder.Load(tokenizer).VocabSize, recipe.Training.ContextLength);

    /// <summary>One vocabulary for both sides, beside the model. The same pairs give the same one, so that a run can go on.</summary>
    private static string Learn(PipelineRecipe recipe, string pairs, TrainingContext context)
    {
        var folder = Path.Combine(context.OutDirectory, "tokenizer");
        var texts = PairFiles.Read(pairs).SelectMany(pair => new[] { pair.Source, pair.Target });
        TokenizerFolder.Save(BpeTrainer.Train(texts, recipe.Tokenizer, context.Progress, context.Stop), folder);
        return folder;
    }
}
