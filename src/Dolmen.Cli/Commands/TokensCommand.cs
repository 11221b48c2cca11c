using System.CommandLine;
using System.Text.Json;
using Dolmen.Data;
using Dolmen.Data.Building;
using Dolmen.Pipeline;

namespace Dolmen.Cli.Commands;

internal static class TokensCommand
{
    public static Command Build() => new("tokens", "A corpus to token shards.") { PackVerb() };

    private static Command PackVerb()
    {
        var corpus = new Option<string>("--corpus") { Description = "A corpus folder.", HelpName = "DIR", Required = true };
        var tokenizer = new Option<string>("--tokenizer") { Description = "A tokenizer folder.", HelpName = "DIR", Required = true };
        var output = new Option<string>("--out") { Description = "Where the shards go.", HelpName = "DIR", Required = true };
        var json = CommonOptions.Json();
        var command = new Command("pack", "Encode the training and held-out text into train.bin and val.bin.")
        {
            corpus,
            tokenizer,
            output,
            json,
        };
        command.RunsInto(
            output,
            (parsed, work, stop) =>
            {
                var directory = parsed.GetRequiredValue(output);
                work.Reads("corpus", parsed.GetRequiredValue(corpus));
                work.Reads("tokenizer", parsed.GetRequiredValue(tokenizer));
                using var progress = new ConsoleProgress(parsed.GetValue(json));
                var counts = CorpusTokens.Pack(
                    parsed.GetRequiredValue(corpus),
                    parsed.GetRequiredValue(tokenizer),
                    directory,
                    progress,
                    stop
                );
                work.Finish(0, null, TokenFacts.Of(directory));
                Console.Error.WriteLine($"training: {counts.Train}");
                Console.Error.WriteLine($"held out: {counts.Val}");
                if (parsed.GetValue(json))
                    Console.Out.WriteLine(JsonSerializer.Serialize(counts, CliDataJson.Default.TokenCounts));
                else
                    Console.Error.WriteLine(
                        $"{counts.TrainTokens:N0} training tokens in {counts.TrainDocuments:N0} documents, {counts.ValTokens:N0} held out: "
                            + $"{directory}"
                    );
            }
        );
        return command;
    }
}
