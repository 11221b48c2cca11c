using System.CommandLine;

namespace Dolmen.Cli.Commands;

internal static class ModelCommand
{
    public static Command Build()
    {
        var command = new Command("model", "Train a base model, look at one, fetch one, turn it into other formats.");
        command.Add(PretrainCommand.Build());
        command.Add(ModelInfoCommand.Build());
        command.Add(TranslateCommand.Build());
        command.Add(ModelPullCommand.Build());
        command.Add(ModelImportCommand.Build());
        command.Add(ModelExportCommand.Build());
        command.Add(ModelLogitsCommand.Build());
        return command;
    }
}
