using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Web.Crawling;

namespace Dolmen.Cli.Commands;

internal static class FetchCrawlCommand
{
    public static Command Build()
    {
        var listing = new Option<string?>("--listing")
        {
            Description = "A warc.paths or wet.paths file, as published or unpacked: a path or an address.",
            HelpName = "FILE|URL",
        };
        var crawl = new Option<string?>("--crawl")
        {
            Description = "The listing of this crawl instead, like CC-MAIN-2026-04.",
            HelpName = "NAME",
        };
        var kind = new Option<string>("--kind")
        {
            Description = "With --crawl: warc, wet or wat (warc).",
            HelpName = "KIND",
            DefaultValueFactory = _ => "warc",
        };
        var source = new Option<string>("--base-url")
        {
            Description = $"Where the listed files are ({FetchSettings.CommonCrawl}).",
            HelpName = "URL",
            DefaultValueFactory = _ => FetchSettings.CommonCrawl,
        };
        var output = CommonOptions.Out("Where the files go. The same command goes on where it stopped.");
        output.Required = true;
        var files = new Option<int?>("--max-files") { Description = "Most files.", HelpName = "N" };
        var select = new Option<string?>("--select")
        {
            Description = "Which lines of the listing: 'every 100', or ranges from 1 on like '1-5,8'.",
            HelpName = "LINES",
        };
        var connections = new Option<int>("--connections")
        {
            Description = "Files fetched at a time (2).",
            HelpName = "N",
            DefaultValueFactory = _ => 2,
        };
        var json = CommonOptions.Json();
        var command = new Command("fetch-cc", "Fetch files of Common Crawl, or of any such collection, named in a listing.")
        {
            listing,
            crawl,
            kind,
            source,
            output,
            files,
            select,
            connections,
            json,
        };
        command.RunsInto(
            output,
            (parsed, work, stop) =>
            {
                var settings = new FetchSettings(
                    parsed.GetRequiredValue(output)!,
                    parsed.GetValue(listing),
                    parsed.GetValue(crawl),
                    parsed.GetValue(kind) ?? "warc",
                    parsed.GetValue(source) ?? FetchSettings.CommonCrawl,
                    parsed.GetValue(files),
                    parsed.GetValue(select),
                    parsed.GetValue(connections)
                );
                FetchReport report;
                using (var progress = new ConsoleProgress(parsed.GetValue(json)))
                {
                    report = ListedFiles.FetchAsync(settings, progress, stop).GetAwaiter().GetResult();
                }
                work.Reads("listing", settings.Listing is { } named ? SecretFree.Address(named) : null);
                work.ReadsNamed("address", SecretFree.Address(settings.BaseUrl));
                var asked = new JsonObject { ["crawl"] = settings.Crawl, ["kind"] = settings.Kind, ["select"] = settings.Select };
                var fetched = new JsonObject { ["files"] = report.Files.Count, ["listed"] = report.Listed };
                work.Finish(0, asked, fetched);
                if (parsed.GetValue(json))
                    Console.Out.WriteLine(JsonSerializer.Serialize(report, FetchReportJson.Default.FetchReport));
                else
                    Console.Error.WriteLine(
                        $"{report.Files.Count} of {report.Listed} listed files in {settings.Folder}: {report.Bytes:N0} bytes fetched, "
                            + $"{report.Present} files were there."
                    );
            }
        );
        return command;
    }
}
