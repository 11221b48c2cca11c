using System.CommandLine;
using System.Text.Json;
using Dolmen.Web.Extraction;

namespace Dolmen.Cli.Commands;

internal static class ExtractCommand
{
    public static Command Build()
    {
        var file = new Argument<string>("FILE") { Description = "A web page; '-' reads stdin." };
        var url = new Option<string?>("--url")
        {
            Description = "Where the page came from, to complete its canonical address.",
            HelpName = "URL",
        };
        var json = CommonOptions.Json();
        var command = new Command("extract", "The main text of a web page, as Markdown on stdout.") { file, url, json };
        command.Runs((parsed, _) =>
        {
            var path = parsed.GetRequiredValue(file);
            using var stdin = path == "-" ? Console.OpenStandardInput() : null;
            var page = PageFile.Extract(path, parsed.GetValue(url) ?? "", stdin, note => Console.Error.WriteLine($"dolmen: note: {note}"));
            Console.Out.WriteLine(parsed.GetValue(json) ? JsonSerializer.Serialize(page, CliDataJson.Default.ExtractedPage) : page.Text);
        });
        return command;
    }
}
