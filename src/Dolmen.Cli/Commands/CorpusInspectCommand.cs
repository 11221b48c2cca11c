using System.CommandLine;
using System.Globalization;
using Dolmen.Artifacts;
using Dolmen.Data.Reports;
using Spectre.Console;

namespace Dolmen.Cli.Commands;

internal static class CorpusInspectCommand
{
    private const int MostShownChars = 100_000;

    public static Command Build()
    {
        var directory = new Argument<string>("DIR") { Description = "A corpus folder." };
        var reason = new Option<string?>("--reason")
        {
            Description = "Dropped for this reason: gopherQuality.minWords, or a family: gopherQuality.",
            HelpName = "REASON",
        };
        var language = new Option<string?>("--language")
        {
            Description = "In this language (ISO code, und for unknown).",
            HelpName = "CODE",
        };
        var search = new Option<string?>("--search")
        {
            Description = "Holding this in text, id, address or title, whatever the case.",
            HelpName = "TEXT",
        };
        var min = new Option<string[]>("--min")
        {
            Description = "A measure of at least this: --min gopher_quality_words=40. May be repeated.",
            HelpName = "MEASURE=VALUE",
        };
        var max = new Option<string[]>("--max") { Description = "A measure of at most this. May be repeated.", HelpName = "MEASURE=VALUE" };
        var dropped = new Option<bool>("--dropped") { Description = "Dropped documents alone." };
        var kept = new Option<bool>("--kept") { Description = "Kept documents alone." };
        var id = new Option<string?>("--id") { Description = "The document of this id, with its text and every measure.", HelpName = "ID" };
        var full = new Option<bool>("--full")
        {
            Description = "With text, before and after lines were dropped, and every measure beside its threshold.",
        };
        var limit = new Option<int?>("--limit") { Description = "Documents to show (10).", HelpName = "N" };
        var json = CommonOptions.Json();
        var command = new Command("inspect", "Look at documents of a corpus, kept and dropped, and why.")
        {
            directory,
            reason,
            language,
            search,
            min,
            max,
            dropped,
            kept,
            id,
            full,
            limit,
            json,
        };
        command.Runs(
            (parsed, stop) =>
            {
                if (parsed.GetValue(dropped) && parsed.GetValue(kept))
                    throw new UserErrorException("--dropped and --kept leave nothing: name one of them, or neither for both.");
                if (parsed.GetValue(limit) is < 1 and var none)
                    throw new UserErrorException($"--limit is {none}: it must be 1 or more.");
                bool? keeps =
                    parsed.GetValue(kept) ? true
                    : parsed.GetValue(dropped) ? false
                    : null;
                var query = new InspectQuery(
                    parsed.GetValue(reason),
                    parsed.GetValue(language),
                    parsed.GetValue(search),
                    Bounds("--min", parsed.GetValue(min)),
                    Bounds("--max", parsed.GetValue(max)),
                    keeps,
                    parsed.GetValue(id),
                    parsed.GetValue(limit) ?? 10,
                    parsed.GetValue(full)
                );
                var corpus = parsed.GetRequiredValue(directory);
                var found = CorpusInspection.Find(corpus, query, stop);
                if (parsed.GetValue(json))
                {
                    Console.Out.WriteLine(InspectedDocument.ToJson(found));
                    return;
                }
                var console = CorpusCommand.Output();
                if (found.Count == 0 && CorpusInspection.WhyEmpty(corpus) is { } why)
                    Console.Error.WriteLine($"dolmen: {ShownName.InText(why)}");
                else if (found.Count == 0)
                    Console.Error.WriteLine(
                        $"No document of {corpus} is like that. Reasons it has: {string.Join(", ", CorpusInspection.Reasons(corpus))}."
                    );
                else if (query.Full || query.Id is not null)
                    foreach (var document in found)
                        ShowDocument(console, document);
                else
                    ShowList(console, found);
            }
        );
        return command;
    }

    private static List<MeasureBound> Bounds(string option, string[]? texts)
    {
        var bounds = new List<MeasureBound>();
        foreach (var text in texts ?? [])
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1 || !double.TryParse(text.AsSpan(equals + 1), NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
                throw new UserErrorException($"{option} {text} is not MEASURE=VALUE: write {option} gopher_quality_words=40.");
            bounds.Add(new MeasureBound(text[..equals], value));
        }
        return bounds;
    }

    private static void ShowList(IAnsiConsole console, IReadOnlyList<InspectedDocument> documents)
    {
        var table = new Table()
            .Border(TableBorder.Rounded)
            .AddColumn("id")
            .AddColumn("language")
            .AddColumn(new TableColumn("score").RightAligned())
            .AddColumn("decision")
            .AddColumn(new TableColumn("value").RightAligned())
            .AddColumn(new TableColumn("threshold").RightAligned())
            .AddColumn("address, first line");
        foreach (var d in documents)
            table.AddRow(
                new Text(Plain(d.Id)),
                new Text(Plain(d.Language)),
                new Text(Number(d.Score)),
                Decision(d),
                new Text(Number(d.Value)),
                new Text(Number(d.Threshold)),
                new Text($"{Plain(d.Url)}\n{Plain(d.FirstLine)}".Trim())
            );
        console.Write(table);
    }

    private static void ShowDocument(IAnsiConsole console, InspectedDocument document)
    {
        console.Write(new Rule(Markup.Escape(Plain(document.Id))).LeftJustified());
        var facts = new Grid().AddColumn().AddColumn();
        void Fact(string name, string value)
        {
            if (value.Length > 0) facts.AddRow(new Text(name), new Text(Plain(value)));
        }
        Fact("address", document.Url);
        Fact("file", document.FilePath);
        Fact("language", $"{document.Language} {Number(document.Score)}");
        Fact("cluster", document.ClusterId);
        facts.AddRow(new Text("decision"), Decision(document));
        console.Write(facts);

        var measures = new Table()
            .Border(TableBorder.Rounded)
            .AddColumn("measure")
            .AddColumn(new TableColumn("value").RightAligned())
            .AddColumn("rule");
        foreach (var m in document.Measures)
        {
            var style = m.Breaks ? new Style(Color.Red) : Style.Plain;
            measures.AddRow(
                new Text(m.Measure, style),
                new Text(Number(m.Value), style),
                new Text(m.Reason is null ? "" : $"{m.Sign} {Number(m.Threshold)}  {m.Reason}", style)
            );
        }
        console.Write(measures);

        var text = document.Text ?? "";
        if (document.Before is not { } before) console.Write(new Text(Cut(text) + "\n"));
        else
        {
            var sides = new Table().Border(TableBorder.Rounded).Expand().ShowRowSeparators().AddColumn("before").AddColumn("after");
            foreach (var pair in LinePairs.Of(Cut(before), Cut(text)))
                sides.AddRow(
                    new Text(
                        pair.After is null ? $"− {pair.Before}" : pair.Before,
                        pair.After is null ? new Style(Color.Red) : Style.Plain
                    ),
                    new Text(pair.After ?? "")
                );
            console.Write(sides);
        }
        if (Math.Max(text.Length, document.Before?.Length ?? 0) > MostShownChars)
            Console.Error.WriteLine($"Only the first {MostShownChars:N0} characters are shown; --json has all.");
    }

    private static Text Decision(InspectedDocument d) =>
        d.Reason.Length > 0
            ? new Text(d.Reason, new Style(Color.Red))
            : new Text(d.HeldOut ? "kept, held out" : "kept", new Style(Color.Green));

    private static string Number(double? value) => value is { } v ? v.ToString("0.####", CultureInfo.InvariantCulture) : "";

    private static string Cut(string text) => Plain(text.Length > MostShownChars ? text[..MostShownChars] : text);

    // A page must not move the cursor or recolour the terminal of who looks at it.
    private static string Plain(string text) => string.Create(text.Length, text, (span, from) =>
    {
        for (var i = 0; i < span.Length; i++) span[i] = char.IsControl(from[i]) && from[i] is not ('\n' or '\t') ? '·' : from[i];
    });
}
