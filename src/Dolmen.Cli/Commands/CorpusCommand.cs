using System.CommandLine;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Building;
using Spectre.Console;

namespace Dolmen.Cli.Commands;

internal static class CorpusCommand
{
    public static Command Build() =>
        new("corpus", "Raw web pages and documents to a corpus: crawled, filtered, deduplicated, explained, mixed.")
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

    private const int MostRows = 12;

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
        if (report.Cleaning is { Dropped.Count: > 0 } cleaning)
        {
            Row("documents read", cleaning.Read);
            foreach (var (reason, count) in Most(cleaning.Dropped)) Row($"dropped by {reason}", count);
            Row("documents kept", cleaning.Kept);
            foreach (var (kind, count) in cleaning.Cut ?? new Dictionary<string, long>())
                Row(kind == "documents" ? "documents with something cut" : $"{kind} cut, repeated elsewhere", count);
            foreach (
                var (language, count) in Most(cleaning.Languages.ToDictionary(l => l.Key, l => l.Value.Documents, StringComparer.Ordinal))
            )
                Row($"in {language}", count);
        }
        if (report.Kinds is { Count: > 1 } kinds)
            foreach (var kind in kinds)
            {
                Row($"{kind.Kind}: files", kind.Files);
                Row($"{kind.Kind}: documents read", kind.Read);
                Row($"{kind.Kind}: to train on ({kind.How})", kind.Kept);
                Row($"{kind.Kind}: held out", kind.HeldOut);
            }
        Row("documents to train on", report.Documents);
        Row("characters", report.Characters);
        if (report.Cleaning?.Tokens is { } tokens) Row($"tokens ({report.Tokenizer})", tokens);
        Row("members, sections, passages", report.Parts);
        Row("held out of training", report.HeldOut);
        foreach (var (reason, count) in report.Dropped) Row($"dropped: {reason}{First(reason)}", count);
        foreach (var (what, count) in report.Noted) Row($"noted: {what}{First(what)}", count);
        Row("conversations", report.Conversations);
        Row("preferences", report.Preferences);
        Row("multiple-choice items", report.MultipleChoice);
        console.Write(table);
        foreach (var notice in report.Notices)
            console.MarkupLineInterpolated($"[yellow]{notice}[/]");
        if (report.Cleaning is { Seconds: > 0 } build)
            console.MarkupLineInterpolated(
                $"{build.Bytes / 1e6:N1} MB of pages and texts in {build.Seconds:N1} s, {build.MegabytesPerSecond:N1} MB/s"
            );
        var page = Path.Combine(directory, "report.html");
        console.MarkupLineInterpolated($"Report: {(File.Exists(page) ? page : Path.Combine(directory, "report.md"))}");

        // The rest is in the report.
        static IEnumerable<KeyValuePair<string, long>> Most(IReadOnlyDictionary<string, long> counts) =>
            counts.OrderByDescending(c => c.Value).ThenBy(c => c.Key, StringComparer.Ordinal).Take(MostRows);

        string First(string reason) =>
            report
                .Cleaning?.Broken.Where(record => record.Reason == reason)
                .Select(record => $" (first: {record.File}{(record.Offset > 0 ? $":{record.Offset}" : "")})")
                .FirstOrDefault()
            ?? "";

        void Row(string name, long count) => table.AddRow(Markup.Escape(name), $"{count:N0}");
    }
}
