using System.CommandLine;
using Dolmen.Tokenization;
using Dolmen.Training;

namespace Dolmen.Cli.Commands;

/// <summary><c>model pretrain</c>.</summary>
internal static class PretrainCommand
{
    public static Command Build() => TrainingVerbs.Build("pretrain", "Train a base model on token shards.",
        [TrainingVerbs.Input("--tokens", "Token shards, as 'tokens pack' writes them.", "DIR"), TrainingVerbs.Input("--tokenizer", "The tokenizer they were made with.", "DIR")],
        (recipe, inputs, context) => TrainingStages.Pretrain(
            recipe.Model.Build(TokenizerFolder.Load(inputs[1]).VocabSize, recipe.Training.ContextLength), recipe.Base, inputs[0], inputs[1], context));
}
