using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Web.Crawling;
using Spectre.Console;

namespace Dolmen.Cli.Commands;

internal static class CrawlCommand
{
    public static Command Build()
    {
        var settings = new CrawlSettings([], "");
        var seeds = new Argument<string[]>("URL")
        {
            Description = "Where to start. The hosts named here are the only ones visited.",
            Arity = ArgumentArity.OneOrMore,
        };
        var output = CommonOptions.Out(
            "Where the WARC files and their index go. The same command goes on where it stopped; when the crawl is finished, it visits "
                + "everything again."
        );
        output.Required = true;
        var scope = new Option<CrawlScope>("--scope")
        {
            Description = "Host: the named hosts alone. Domain: also those below them.",
            HelpName = "SCOPE",
        };
        var depth = Limit("--max-depth", "Most links between a named address and a page.", settings.MaxDepth);
        var pages = Limit("--max-pages", "Most pages stored.", settings.MaxPages);
        var bytes = Limit("--max-bytes", "Most bytes received.", settings.MaxBytes);
        var pageBytes = Limit("--max-page-bytes", "Most bytes of one page; a longer one is cut and marked.", settings.MaxPageBytes);
        var delay = new Option<double?>("--delay")
        {
            Description = "Pause between requests to a host (1, and 0 on this machine). A longer one in robots.txt wins.",
            HelpName = "SECONDS",
        };
        var perHost = Limit("--per-host", "Most requests to a host at a time.", settings.PerHost);
        var concurrency = Limit("--concurrency", "Most requests at a time.", settings.Concurrency);
        var retries = Limit("--retries", "How often a failed request is tried again.", settings.Retries);
        var timeout = Limit(
            "--timeout",
            "Most seconds for the head of an answer; four times as many for all of it.",
            settings.TimeoutSeconds
        );
        var warcSize = Limit("--warc-size", "Bytes after which another WARC file is begun.", settings.WarcBytes);
        var noSitemaps = new Option<bool>("--no-sitemaps") { Description = "Find pages by links alone." };
        var allTypes = new Option<bool>("--all-types") { Description = "Also fetch images, archives and whatever else holds no text." };
        var refetch = new Option<bool>("--refetch") { Description = "Visit everything again although the crawl is not finished." };
        var userAgent = Limit("--user-agent", "What the crawler calls itself: a name, and how people reach you.", settings.UserAgent);
        var json = CommonOptions.Json();
        var command = new Command("crawl", "Fetch the pages of some hosts, politely, into WARC files.")
        {
            seeds,
            output,
            scope,
            depth,
            pages,
            bytes,
            pageBytes,
            delay,
            perHost,
            concurrency,
            retries,
            timeout,
            warcSize,
            noSitemaps,
            allTypes,
            refetch,
            userAgent,
            json,
        };
        command.Runs(
            (parsed, stop) =>
            {
                var wanted = new CrawlSettings(
                    parsed.GetRequiredValue(seeds),
                    parsed.GetRequiredValue(output)!,
                    parsed.GetValue(scope),
                    parsed.GetValue(depth),
                    parsed.GetValue(pages),
                    parsed.GetValue(bytes),
                    parsed.GetValue(pageBytes),
                    parsed.GetValue(delay),
                    parsed.GetValue(perHost),
                    parsed.GetValue(concurrency),
                    parsed.GetValue(retries),
                    parsed.GetValue(timeout),
                    parsed.GetValue(warcSize),
                    !parsed.GetValue(noSitemaps),
                    parsed.GetValue(allTypes),
                    parsed.GetValue(refetch),
                    parsed.GetValue(userAgent) ?? CrawlSettings.DefaultUserAgent
                )
                {
                    OnNotice = notice => Console.Error.WriteLine(notice),
                };
                using var held = FileLock.Beside(wanted.Folder);
                using var work = new RecordedWork(string.Join(' ', parsed.CommandPath()), wanted.Folder, stop);
                CrawlReport report;
                using (var progress = new ConsoleProgress(parsed.GetValue(json)))
                {
                    report = Crawler.RunAsync(wanted, progress, stop).GetAwaiter().GetResult();
                }
                if (parsed.GetValue(json))
                    Console.Out.WriteLine(JsonSerializer.Serialize(report, CrawlReportJson.Default.CrawlReport));
                else
                    Show(report);
                if (!report.Failed)
                {
                    foreach (var address in parsed.GetRequiredValue(seeds)) work.ReadsNamed("address", SecretFree.Address(address));
                    work.Finish(0, Settings(wanted), Facts(report));
                    return ExitCode.Done;
                }
                Console.Error.WriteLine(
                    "dolmen: no page was fetched: "
                        + (report.Notices.Count > 0 ? report.Notices[0] : "every address failed.")
                        + " Check the addresses and the network, then give the same command again."
                );
                return ExitCode.Failed;
            }
        );
        return command;
    }

    /// <summary>What decides which pages are stored.</summary>
    private static JsonObject Settings(CrawlSettings wanted) => new()
    {
        ["scope"] = wanted.Scope.ToString(), ["maxDepth"] = wanted.MaxDepth, ["maxPages"] = wanted.MaxPages,
        ["maxBytes"] = wanted.MaxBytes, ["maxPageBytes"] = wanted.MaxPageBytes,
    };

    private static JsonObject Facts(CrawlReport report) => new()
    {
        ["pages"] = report.Pages, ["pagesUnchanged"] = report.Revisits, ["bytes"] = report.Bytes, ["warcFiles"] = report.WarcFiles.Count,
        ["pass"] = report.Pass, ["ended"] = report.Ended, ["excludedByRobots"] = report.RobotsExcluded,
    };

    private static Option<T> Limit<T>(string name, string what, T value) =>
        new(name)
        {
            Description = $"{what.TrimEnd('.')} ({value}).",
            HelpName = value is string ? "TEXT" : "N",
            DefaultValueFactory = _ => value,
        };

    private static void Show(CrawlReport report)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        var table = new Table()
            .Border(TableBorder.Rounded)
            .AddColumn($"crawl, pass {report.Pass}")
            .AddColumn(new TableColumn("count").RightAligned());
        Row("pages stored", report.Pages);
        Row("pages unchanged", report.Revisits);
        Row("bytes received", report.Bytes);
        Row("redirects", report.Redirects);
        Row("excluded by robots.txt", report.RobotsExcluded);
        Row("not kept at the page's wish", report.OptedOut);
        Row("not text", report.NotText);
        Row("cut short", report.Truncated);
        Row("links to other hosts", report.OutOfScope);
        foreach (var (kind, count) in report.Errors) Row($"failed: {kind}", count);
        Row("known and not visited", report.Waiting);
        console.Write(table);
        foreach (var notice in report.Notices) console.MarkupLineInterpolated($"[yellow]{notice}[/]");
        var first = report.WarcFiles.Count > 0 ? report.WarcFiles[0] : "not begun";
        console.MarkupLineInterpolated(
            $"Ended: {report.Ended} after {report.Seconds:0.0} s. {report.WarcFiles.Count} WARC files, the first {first}");

        void Row(string name, long count) => table.AddRow(Markup.Escape(name), $"{count:N0}");
    }
}
