using System.CommandLine;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Data;
using Spectre.Console;

namespace Dolmen.Cli.Commands;

internal static class CorpusCommand
{
    public static Command Build() => new("corpus", "Documents to a corpus: training text, held-out text, alignment data and a report.") { BuildVerb(), ExtractCommand.Build(), ReportVerb() };

    private static Command BuildVerb()
    {
        var inputs = new Argument<string[]>("INPUT")
        {
            Description = "Folders or files of .txt .md .html .xml .jsonl .jsonl.gz .cs; the running SDK's XML documentation when left out.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var output = CommonOptions.Out("Where the corpus goes: a new or empty folder.");
        output.Required = true;
        var heldOut = new Option<double?>("--held-out") { Description = "Share of the members kept out of training (0.05).", HelpName = "FRACTION" };
        var seed = CommonOptions.Seed();
        var json = CommonOptions.Json();
        var command = new Command("build", "Read documents, drop duplicates, split off held-out members, write a corpus.") { inputs, output, heldOut, seed, json };
        command.Runs((parsed, stop) =>
        {
            var directory = parsed.GetValue(output) ?? "";
            if (Directory.Exists(directory) && Directory.EnumerateFileSystemEntries(directory).Any())
                throw new UserErrorException($"--out {directory} already holds files: a corpus is written into a new or empty folder. Remove it or name another.");
            var recipe = new CorpusRecipe();
            if (parsed.GetValue(heldOut) is { } fraction) recipe = recipe with { HeldOutFraction = fraction };
            using var progress = new ConsoleProgress(parsed.GetValue(json));
            var result = CorpusBuild.Run(recipe, parsed.GetValue(inputs) ?? [], directory, (ulong)(parsed.GetValue(seed) ?? 0), progress, stop);
            Show(result.Report, result.Directory, parsed.GetValue(json));
        });
        return command;
    }

    private static Command ReportVerb()
    {
        var corpus = new Option<string>("--corpus") { Description = "A corpus folder.", HelpName = "DIR", Required = true };
        var json = CommonOptions.Json();
        var command = new Command("report", "Show what a corpus holds and what was dropped and why.") { corpus, json };
        command.Runs((parsed, _) =>
        {
            var directory = parsed.GetRequiredValue(corpus);
            Show(CorpusBuild.ReadReport(directory), directory, parsed.GetValue(json));
        });
        return command;
    }

    private static void Show(CorpusReport report, string directory, bool json)
    {
        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(report, CliDataJson.Default.CorpusReport));
            return;
        }
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        var table = new Table().Border(TableBorder.Rounded).AddColumn("corpus").AddColumn(new TableColumn("count").RightAligned());
        Row("files read", report.Files);
        Row("documents", report.Documents);
        Row("characters", report.Characters);
        Row("members, sections, passages", report.Parts);
        Row("held out of training", report.HeldOut);
        foreach (var (reason, count) in report.Dropped) Row($"dropped: {reason}", count);
        foreach (var (what, count) in report.Noted) Row($"noted: {what}", count);
        Row("conversations", report.Conversations);
        Row("preferences", report.Preferences);
        Row("multiple-choice items", report.MultipleChoice);
        console.Write(table);
        foreach (var notice in report.Notices) console.MarkupLineInterpolated($"[yellow]{notice}[/]");
        console.MarkupLineInterpolated($"Report: {Path.Combine(directory, "report.md")}");

        void Row(string name, long count) => table.AddRow(Markup.Escape(name), $"{count:N0}");
    }
}
