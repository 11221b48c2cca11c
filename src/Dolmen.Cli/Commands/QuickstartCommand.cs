using System.CommandLine;

namespace Dolmen.Cli.Commands;

internal static class QuickstartCommand
{
    private const string Recipe = "quickstart";

    public static Command Build()
    {
        var options = new PipelineOptions();
        var command = new Command(Recipe, "Documents to an aligned, evaluated model you can chat with: the built-in recipe, start to end.");
        options.AddTo(command);
        command.Runs((parsed, stop) => options.Run(parsed, Recipe, stop));
        return command;
    }
}
