using System.CommandLine;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Checkpoints.Hub;

namespace Dolmen.Cli.Commands;

internal static class ModelPullCommand
{
    public static Command Build()
    {
        var command = new Command(
            "pull",
            "Fetch a model from Hugging Face, or the hub in HF_ENDPOINT; a token in HF_TOKEN opens private ones."
        );
        var repository = new Argument<string>("OWNER/NAME") { Description = "The model, as in the address of its page." };
        var revision = new Option<string>("--revision")
        {
            Description = "A branch, tag or commit.",
            HelpName = "REVISION",
            DefaultValueFactory = _ => "main",
        };
        var output = CommonOptions.Out("Where the folder goes. The same command goes on where it stopped.");
        output.Required = true;
        command.Add(repository);
        command.Add(revision);
        command.Add(output);
        command.RunsInto(
            output,
            (parsed, work, stop) =>
            {
                var wanted = new HubRepository(parsed.GetRequiredValue(repository), parsed.GetRequiredValue(revision));
                var folder = parsed.GetRequiredValue(output)!;
                using var hub = new HubClient(
                    Environment.GetEnvironmentVariable("HF_ENDPOINT"),
                    Environment.GetEnvironmentVariable("HF_TOKEN")
                );
                using var progress = new ConsoleProgress();
                var (taken, aside) = new HubDownload(hub, progress).RunAsync(wanted, folder, stop).GetAwaiter().GetResult();
                progress.Dispose();
                work.ReadsNamed("repository", $"{parsed.GetRequiredValue(repository)}@{parsed.GetRequiredValue(revision)}");
                work.Finish(0, null, new JsonObject { ["files"] = taken.Count, ["bytes"] = taken.Sum(file => file.Size) });
                if (aside.Where(file => HubSelection.IsPickle(file.Path)).ToList() is { Count: > 0 } pickles)
                {
                    Console.Error.WriteLine(
                        $"dolmen: {pickles.Count} pickled files were not fetched, which can run code when opened: "
                            + string.Join(", ", pickles.Take(5).Select(file => file.Path))
                    );
                }
                Console.Error.WriteLine($"{taken.Count} files, {taken.Sum(file => file.Size):N0} bytes in {folder}");
            }
        );
        return command;
    }
}
