using System.CommandLine;
using Dolmen.Data;
using Dolmen.Data.Building;
using Dolmen.Data.Reports;

namespace Dolmen.Cli.Commands;

internal static class CorpusReportCommand
{
    public static Command Build()
    {
        var corpus = new Option<string>("--corpus") { Description = "A corpus folder.", HelpName = "DIR", Required = true };
        var json = CommonOptions.Json();
        var command = new Command("report", "Show what a corpus holds and what was dropped and why; write report.html anew.")
        {
            corpus,
            json,
        };
        command.Runs(
            (parsed, stop) =>
            {
                var directory = parsed.GetRequiredValue(corpus);
                // Corpora of before have no measurements, and no page.
                var page = CorpusReportPage.CanWrite(directory) ? CorpusReportPage.Write(directory, stop) : null;
                CorpusCommand.Show(CorpusBuild.ReadReport(directory), directory, parsed.GetValue(json));
                if (page is not null)
                    Console.Error.WriteLine($"Page: {page}");
            }
        );
        return command;
    }
}
