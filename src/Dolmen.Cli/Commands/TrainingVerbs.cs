using System.CommandLine;
using System.Text.Json.Nodes;
using Dolmen.Modeling;
using Dolmen.Pipeline;
using Dolmen.Pipeline.Recipes;
using Dolmen.Training;

namespace Dolmen.Cli.Commands;

/// <summary>What the verbs of the three training stages share: the recipe, the options, the outcome. Each reads its own part of a
/// pipeline recipe.</summary>
internal static class TrainingVerbs
{
    /// <param name="parts">Keys of the recipe that the stage depends on, beside <c>training</c>.</param>
    public static Command Build(
        string name,
        string description,
        IReadOnlyList<Option<string>> inputs,
        IReadOnlyList<string> parts,
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
            (parsed, work, stop) =>
            {
                var changes = new RecipeChanges(Seed: (ulong?)parsed.GetValue(seed), Set: parsed.GetValue(set));
                var loaded = RecipeFile.Load(parsed.GetRequiredValue(recipe), changes);
                Engine.Start(parsed.GetValue(threads));
                using var progress = new ConsoleProgress();
                var directory = Path.GetFullPath(parsed.GetRequiredValue(output)!);
                var context = new TrainingContext(directory, loaded.Seed, loaded.Training, progress, stop)
                {
                    Notice = Console.Error.WriteLine,
                };
                string[] given = [.. inputs.Select(input => parsed.GetValue(input) ?? "")];
                foreach (var (input, value) in inputs.Zip(given))
                    work.Reads(input.Name.TrimStart('-'), File.Exists(value) || Directory.Exists(value) ? [value] : value.Split(','));
                var outcome = train(loaded, given, context);
                progress.Dispose();
                // What the machine was measured to be fastest with is a setting of the result like any other.
                var resolved = loaded with { Training = loaded.Training with { Precision = outcome.Arithmetic } };
                var settings = RecipeFile.ToTree(resolved);
                work.Finish(loaded.Seed, Part(settings, [.. parts, "training"]), TrainingFacts.Of(outcome));
                if (parsed.GetValue(json))
                    Console.Out.WriteLine(StageOutcome.ToJson(directory, outcome));
                else
                    Console.Error.WriteLine(
                        $"{outcome.Tokens:N0} tokens in {outcome.Steps:N0} {(outcome.Steps == 1 ? "step" : "steps")}, "
                            + $"{outcome.TokensPerSecond:N0} a second, last loss "
                            + $"{outcome.Loss:0.000}: {Path.Combine(directory, "model")}"
                    );
            }
        );
        return command;
    }

    private static JsonObject Part(JsonObject recipe, IEnumerable<string> keys) =>
        new(keys.Select(key => KeyValuePair.Create(key, recipe[key]?.DeepClone())));

    public static Option<string> Input(string name, string what, string kind, bool required = true) =>
        new(name) { Description = what, HelpName = kind, Required = required };
}
