using System.CommandLine;
using Dolmen.Modeling;
using Dolmen.Pipeline.Recipes;
using Dolmen.Training;

namespace Dolmen.Cli.Commands;

/// <summary>What the verbs of the three training stages share: the recipe, the options, the outcome. Each reads its own part of a
/// pipeline recipe.</summary>
internal static class TrainingVerbs
{
    public static Command Build(
        string name,
        string description,
        IReadOnlyList<Option<string>> inputs,
        Func<PipelineRecipe, string[], TrainingContext, TrainingOutcome> train
    )
    {
        var recipe = new Argument<string>("RECIPE")
        {
            Description = "A recipe file or a built-in recipe's name.",
            DefaultValueFactory = _ => "quickstart",
        };
        var (output, set, json) = (
            CommonOptions.Out("Where the model, its checkpoints and metrics go. The same command goes on where it stopped."),
            CommonOptions.Set(),
            CommonOptions.Json()
        );
        var (seed, threads) = (CommonOptions.Seed(), CommonOptions.Threads());
        output.Required = true;
        var command = new Command(name, description) { recipe };
        foreach (var input in inputs)
            command.Add(input);
        if (inputs.Any(input => input.Name == "--model"))
            command.Add(CommonOptions.Strict());
        foreach (var option in new Option[] { output, set, seed, threads, json })
            command.Add(option);
        command.RunsInto(
            output,
            (parsed, stop) =>
            {
                var changes = new RecipeChanges(Seed: (ulong?)parsed.GetValue(seed), Set: parsed.GetValue(set));
                var loaded = RecipeFile.Load(parsed.GetRequiredValue(recipe), changes);
                Engine.Start(parsed.GetValue(threads));
                var compute = Compute.Choose(loaded.Training.Precision);
                Console.Error.WriteLine($"computing with {compute.Reason}");
                using var progress = new ConsoleProgress();
                var directory = Path.GetFullPath(parsed.GetRequiredValue(output)!);
                var context = new TrainingContext(directory, loaded.Seed, loaded.Training, compute, progress, stop)
                {
                    Notice = Console.Error.WriteLine,
                };
                var outcome = train(loaded, [.. inputs.Select(input => parsed.GetValue(input) ?? "")], context);
                progress.Dispose();
                if (parsed.GetValue(json))
                    Console.Out.WriteLine(StageOutcome.ToJson(directory, outcome));
                else
                    Console.Error.WriteLine(
                        $"{outcome.Tokens:N0} tokens in {outcome.Steps:N0} steps, {outcome.TokensPerSecond:N0} a second, last loss "
                            + $"{outcome.Loss:0.000}: {Path.Combine(directory, "model")}"
                    );
            }
        );
        return command;
    }

    public static Option<string> Input(string name, string what, string kind, bool required = true) =>
        new(name) { Description = what, HelpName = kind, Required = required };
}
