using System.CommandLine;
using Dolmen.Training;

namespace Dolmen.Cli.Commands;

internal static class AlignCommand
{
    public static Command Build() =>
        new("align", "Teach a base model to answer, and which answers to prefer.")
        {
            TrainingVerbs.Build(
                "sft",
                "Supervised fine-tuning on conversations.",
                [
                    TrainingVerbs.Input("--model", "The base model's folder.", "DIR"),
                    TrainingVerbs.Input(
                        "--conversations",
                        "Conversations as JSON lines or an array, also .gz or .zst: messages, ShareGPT, Alpaca, prompt and completion.",
                        "FILE"
                    ),
                ],
                ["sft"],
                (recipe, inputs, context) => TrainingStages.Sft(recipe.Sft, inputs[0], inputs[1], context)
            ),
            TrainingVerbs.Build(
                "dpo",
                "Direct preference optimisation on pairs of answers.",
                [
                    TrainingVerbs.Input("--model", "The fine-tuned model's folder.", "DIR"),
                    TrainingVerbs.Input(
                        "--preferences",
                        "Pairs of answers as JSON lines or an array, also .gz or .zst: prompt, chosen, rejected.",
                        "FILE"
                    ),
                ],
                ["dpo"],
                (recipe, inputs, context) => TrainingStages.Dpo(recipe.Dpo, inputs[0], inputs[1], context)
            ),
        };
}
