using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Data.Mixing;
using Spectre.Console;

namespace Dolmen.Cli.Commands;

internal static class MixCommand
{
    public static Command Build()
    {
        var inputs = new Option<string[]>("--input")
        {
            Description = "Corpus folders, folders of Parquet files, or Parquet files.",
            HelpName = "CORPUS",
            AllowMultipleArgumentsPerToken = true,
            Required = true,
        };
        var recipe = new Option<string?>("--recipe")
        {
            Description = "A mixing recipe (JSON with comments); its defaults when left out.",
            HelpName = "FILE",
        };
        var set = new Option<string[]>("--set")
        {
            Description = "Change one setting of the recipe: --set alpha=0.5, --set sources.wiki=2, --set tokens=1000000. May be repeated.",
            HelpName = "PATH=VALUE",
        };
        var output = CommonOptions.Out("Where the mixture goes: a new or empty folder.");
        output.Required = true;
        var seed = CommonOptions.Seed();
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        var command = new Command("mix", "Mix corpora by source, language and quality to a token budget, shuffled and in shards.")
        {
            inputs,
            recipe,
            set,
            output,
            seed,
            threads,
            json,
        };
        command.RunsInto(
            output,
            (parsed, work, stop) =>
            {
                if (parsed.GetValue(seed) is < 0 and var negative)
                    throw new UserErrorException($"--seed is {negative}: it must be 0 or more.");
                if (parsed.GetValue(threads) is < 1 and var none)
                    throw new UserErrorException($"--threads is {none}: it must be 1 or more.");
                var mixing = MixRecipeFile.Load(parsed.GetValue(recipe), parsed.GetValue(set) ?? []);
                using var progress = new ConsoleProgress(parsed.GetValue(json));
                var directory = parsed.GetRequiredValue(output)!;
                work.Reads("corpus", parsed.GetRequiredValue(inputs));
                var report = CorpusMix.Run(
                    parsed.GetRequiredValue(inputs),
                    mixing,
                    directory,
                    (ulong)(parsed.GetValue(seed) ?? 0),
                    parsed.GetValue(threads),
                    progress,
                    stop
                );
                var facts = new JsonObject
                {
                    ["documents"] = report.TakenDocuments,
                    ["tokens"] = report.Taken,
                    ["sources"] = new JsonObject(
                        report.SourceShares.Select(share => KeyValuePair.Create(share.Key, (JsonNode?)share.Value))
                    ),
                };
                work.Finish(report.Seed, JsonNode.Parse(report.ToJson())?["recipe"], facts);
                if (parsed.GetValue(json))
                    Console.Out.WriteLine(report.ToJson());
                else
                    Show(report, directory);
            }
        );
        return command;
    }

    private static void Show(MixReport report, string directory)
    {
        // Columns that say the same of every row say nothing.
        var byQuality = report.Components.Any(c => c.Quality != "all");
        var byMaker = report.Components.Any(c => c.Ai);
        var table = new Table().Border(TableBorder.Rounded).AddColumn("source").AddColumn("language");
        if (byQuality)
            table.AddColumn("quality");
        if (byMaker)
            table.AddColumn("made by");
        foreach (var name in (string[])["available", "asked", "taken", "epochs", "share", "weight"])
            table.AddColumn(new TableColumn(name).RightAligned());
        foreach (var part in report.Components)
        {
            List<string> cells = [Markup.Escape(part.Source), Markup.Escape(part.Language)];
            if (byQuality)
                cells.Add(Markup.Escape(part.Quality));
            if (byMaker)
                cells.Add(part.Ai ? "AI" : "");
            cells.AddRange([
                $"{part.Available:N0}",
                Percent(part.Asked),
                $"{part.Taken:N0}",
                Fixed(part.Epochs),
                Percent(part.Share),
                Fixed(part.Weight),
            ]);
            table.AddRow([.. cells]);
        }
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        console.Write(table);
        foreach (var notice in report.Notices)
            console.MarkupLineInterpolated($"[yellow]{notice}[/]");
        Console.Error.WriteLine(
            $"{report.Taken:N0} tokens in {report.TakenDocuments:N0} documents, {report.Files.Count:N0} files; {Percent(report.AiShare)} "
                + $"AI-made: {directory}"
        );
    }

    private static string Fixed(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Percent(double share) => $"{(share * 100).ToString("0.0", CultureInfo.InvariantCulture)} %";
}
