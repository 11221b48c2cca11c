using System.CommandLine;
using System.Globalization;
using Dolmen.Artifacts;
using Dolmen.Data.Cleaning;
using Dolmen.Data.Reports;
using Spectre.Console;

namespace Dolmen.Cli.Commands;

internal static class CorpusWhatIfCommand
{
    private const int LanguagesShown = 20;

    public static Command Build()
    {
        var directory = new Argument<string>("DIR") { Description = "A corpus folder." };
        var set = new Option<string[]>("--set")
        {
            Description = "A threshold to try: --set filters.gopherQuality.minWords=30. May be repeated.",
            HelpName = "PATH=VALUE",
            AllowMultipleArgumentsPerToken = false,
        };
        var examples = new Option<int?>("--examples")
        {
            Description = "Documents gained and lost to name, of each so many (5).",
            HelpName = "N",
        };
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        var command = new Command("what-if", "What other thresholds would have kept and dropped, from stored measurements.")
        {
            directory,
            set,
            examples,
            threads,
            json,
        };
        command.Runs(
            (parsed, stop) =>
            {
                if (parsed.GetValue(threads) is < 1 and var none)
                    throw new UserErrorException($"--threads is {none}: it must be 1 or more.");
                if (parsed.GetValue(examples) is < 0 or > 1000)
                    throw new UserErrorException($"--examples is {parsed.GetValue(examples)}: it must lie between 0 and 1000.");
                var report = WhatIf.Ask(
                    parsed.GetRequiredValue(directory),
                    parsed.GetValue(set) ?? [],
                    parsed.GetValue(examples) ?? 5,
                    parsed.GetValue(threads) ?? Environment.ProcessorCount,
                    stop
                );
                if (parsed.GetValue(json))
                    Console.Out.WriteLine(report.ToJson());
                else
                    Show(report);
            }
        );
        return command;
    }

    private static void Show(WhatIfReport report)
    {
        var console = CorpusCommand.Output();
        var totals = Table("kept", "built", "asked", "change");
        var (before, after) = (report.Kept.Before, report.Kept.After);
        Row(totals, "documents", before.Documents, after.Documents);
        Row(totals, "bytes of text", before.Bytes, after.Bytes);
        Row(totals, "tokens (estimated: 4 bytes each)", report.TokensBefore, report.TokensAfter);
        Row(totals, "duplicates dropped", report.DuplicatesBefore, report.DuplicatesAfter);
        console.Write(totals);

        var reasons = Table("reason (documents)", "dropped, built", "dropped, asked", "gained", "lost");
        foreach (
            var (reason, change) in report
                .Reasons.OrderByDescending(r => r.Value.Before.Documents + r.Value.After.Documents)
                .ThenBy(r => r.Key, StringComparer.Ordinal)
        )
            reasons.AddRow(
                Markup.Escape(reason),
                Count(change.Before.Documents),
                Count(change.After.Documents),
                Gain(change.Gained),
                Loss(change.Lost)
            );
        console.Write(reasons);

        var languages = Table("language (documents)", "kept, built", "kept, asked", "gained", "lost");
        foreach (
            var (language, change) in report
                .Languages.OrderByDescending(l => l.Value.Before.Documents + l.Value.After.Documents)
                .ThenBy(l => l.Key, StringComparer.Ordinal)
                .Take(LanguagesShown)
        )
            languages.AddRow(
                Markup.Escape(language),
                Count(change.Before.Documents),
                Count(change.After.Documents),
                Gain(change.Gained),
                Loss(change.Lost)
            );
        console.Write(languages);
        if (report.Languages.Count > LanguagesShown)
            Console.Error.WriteLine($"{report.Languages.Count - LanguagesShown} more languages: --json has all.");

        Examples(console, "gained", report.GainedExamples);
        Examples(console, "lost", report.LostExamples);
        Console.Error.WriteLine(
            $"{report.Documents:N0} documents judged again in {report.Seconds.ToString("0.0", CultureInfo.InvariantCulture)} s; "
                + $"{report.Moved:N0} are dropped for another reason than before."
        );
    }

    private static void Examples(IAnsiConsole console, string title, IReadOnlyList<ChangedDocument> documents)
    {
        if (documents.Count == 0)
            return;
        var table = new Table()
            .Border(TableBorder.Rounded)
            .AddColumn(title)
            .AddColumn("language")
            .AddColumn("reason")
            .AddColumn(new TableColumn("value").RightAligned())
            .AddColumn(new TableColumn("threshold").RightAligned());
        foreach (var d in documents)
            table.AddRow(
                new Text(d.Url.Length > 0 ? $"{d.Id}\n{d.Url}" : d.Id),
                new Text(d.Language),
                new Text(d.Reason),
                new Text(Number(d.Value)),
                new Text(Number(d.Threshold))
            );
        console.Write(table);
    }

    private static Table Table(string first, params ReadOnlySpan<string> others)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn(first);
        foreach (var name in others) table.AddColumn(new TableColumn(name).RightAligned());
        return table;
    }

    private static void Row(Table table, string name, long before, long after) =>
        table.AddRow(name, Count(before), Count(after), $"{(after >= before ? "+" : "−")}{Count(Math.Abs(after - before))}");

    private static string Gain(TextAmount amount) => amount.Documents == 0 ? "" : $"[green]+{Count(amount.Documents)}[/]";

    private static string Loss(TextAmount amount) => amount.Documents == 0 ? "" : $"[red]−{Count(amount.Documents)}[/]";

    private static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    private static string Number(double? value) => value is { } v ? v.ToString("0.####", CultureInfo.InvariantCulture) : "";
}
