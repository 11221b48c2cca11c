using System.CommandLine;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Data;
using Spectre.Console;
using Dolmen.Data.Tables;

namespace Dolmen.Cli.Commands;

internal static class CorpusCommand
{
    public static Command Build() => new("corpus", "Raw web pages and documents to a corpus: crawled, filtered, deduplicated, explained, mixed.")
    {
        CrawlCommand.Build(),
        FetchCrawlCommand.Build(),
        ExtractCommand.Build(),
        CorpusBuildCommand.Build(),
        CorpusBuildCommand.Merge(),
        CorpusReportCommand.Build(),
        CorpusInspectCommand.Build(),
        CorpusWhatIfCommand.Build(),
        TrainClassifierCommand.Build(),
        MixCommand.Build(),
    };

    /// <summary>Standard output for tables, wide where no terminal says how wide it is.</summary>
    internal static IAnsiConsole Output()
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });
        if (Console.IsOutputRedirected) console.Profile.Width = 200;
        return console;
    }

    internal static void Show(CorpusReport report, string directory, bool json)
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
