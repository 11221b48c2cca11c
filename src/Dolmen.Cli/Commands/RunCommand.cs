using System.CommandLine;

namespace Dolmen.Cli.Commands;

internal static class RunCommand
{
    public static Command Build()
    {
        var recipe = new Argument<string>("RECIPE") { Description = "A recipe file, or a built-in recipe's name ('dolmen recipe ls')." };
        var options = new PipelineOptions();
        var command = new Command("run", "Run a whole pipeline by its recipe.") { recipe };
        options.AddTo(command);
        command.Runs((parsed, stop) => options.Run(parsed, parsed.GetRequiredValue(recipe), stop));
        return command;
    }
}
