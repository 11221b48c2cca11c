using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Data.Quality;
using Dolmen.Data.Quality.Perplexity;
using Spectre.Console;

namespace Dolmen.Cli.Commands;

internal static class TrainClassifierCommand
{
    private const string Quality = "quality", Perplexity = "perplexity";

    public static Command Build()
    {
        var good = Paths(
            "--good",
            "Texts that are as the corpus should be: corpus folders, .parquet, .jsonl, .txt, .md, or folders of such."
        );
        var raw = Paths("--raw", "Texts as they come, to tell the good ones from.");
        var labelled = new Option<string?>("--labelled")
        {
            Description = "Instead of --good and --raw: JSON lines with text and label (0 or 1, or a score from 0 to 5).",
            HelpName = "FILE",
        };
        var kind = new Option<string>("--kind")
        {
            Description = "quality: a classifier. perplexity: a Kneser-Ney n-gram model of --good.",
            DefaultValueFactory = _ => Quality,
        };
        kind.AcceptOnlyFromAmong(Quality, Perplexity);
        var output = new Option<string>("--out")
        {
            Description = "Where the model goes: a .safetensors file, or a folder for quality.safetensors or perplexity.safetensors.",
            HelpName = "PATH",
            Required = true,
        };
        var set = new Option<string[]>("--set")
        {
            Description = "Change one setting: --set bits=22, --set order=4. May be repeated.",
            HelpName = "NAME=VALUE",
        };
        var seed = CommonOptions.Seed();
        var json = CommonOptions.Json();
        var command = new Command("train-classifier", "Learn from examples what good text is, for the quality and perplexity filters.")
        {
            good,
            raw,
            labelled,
            kind,
            output,
            set,
            seed,
            json,
        };
        command.RunsInto(
            output,
            (parsed, work, stop) =>
            {
                var (goods, raws, rows) = (parsed.GetValue(good) ?? [], parsed.GetValue(raw) ?? [], parsed.GetValue(labelled));
                var (name, sets, asJson) = (parsed.GetRequiredValue(kind), parsed.GetValue(set) ?? [], parsed.GetValue(json));
                if (parsed.GetValue(seed) is < 0 and var negative)
                    throw new UserErrorException($"--seed is {negative}: it must be 0 or more.");
                var start = (ulong)(parsed.GetValue(seed) ?? 0);
                if (rows is not null && (goods.Length > 0 || raws.Length > 0))
                    throw new UserErrorException("--labelled is given and so is --good or --raw: give the one or the others.");
                var file = FileOf(parsed.GetRequiredValue(output), name);
                work.Output = Path.GetFullPath(file);
                work.Reads("good", goods);
                work.Reads("raw", raws);
                work.Reads("labelled", rows);
                using var progress = new ConsoleProgress(asJson);
                if (name == Perplexity)
                {
                    if (goods.Length == 0)
                        throw new UserErrorException("--kind perplexity learns from --good texts: name some.");
                    var report = PerplexityTraining.Run(goods, raws, file, PerplexitySettings.Of(sets), start, progress, stop);
                    var read = new JsonObject { ["documents"] = report.Documents, ["tokens"] = report.Tokens };
                    work.Finish(start, JsonNode.Parse(report.ToJson())?["settings"], read);
                    if (asJson)
                        Console.Out.WriteLine(report.ToJson());
                    else
                        Show(report, file);
                    return;
                }
                if (rows is null && (goods.Length == 0 || raws.Length == 0))
                    throw new UserErrorException(
                        "a classifier learns from --good and --raw texts, or from --labelled rows: name both, or a file of rows."
                    );
                var settings = QualitySettings.Of(sets);
                var result = rows is null
                    ? QualityTraining.FromSets(goods, raws, file, settings, start, progress, stop)
                    : QualityTraining.FromLabels(rows, file, settings, start, progress, stop);
                var facts = new JsonObject { ["trained"] = result.Trained, ["auc"] = result.HeldOut.Auc };
                work.Finish(start, JsonNode.Parse(result.ToJson())?["settings"], facts);
                if (asJson)
                    Console.Out.WriteLine(result.ToJson());
                else
                    Show(result, file);
            }
        );
        return command;
    }

    private static Option<string[]> Paths(string name, string what) =>
        new(name)
        {
            Description = what,
            HelpName = "PATH",
            AllowMultipleArgumentsPerToken = true,
        };

    private static string FileOf(string output, string name)
    {
        if (!output.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
        {
            if (File.Exists(output))
                throw new UserErrorException($"--out {output} is a file of another kind: name a .safetensors file or a folder.");
            output = Path.Combine(output, name + ".safetensors");
        }
        if (Path.GetDirectoryName(Path.GetFullPath(output)) is { } folder) Directory.CreateDirectory(folder);
        return output;
    }

    private static void Show(QualityReport report, string file)
    {
        var table = new Table()
            .Border(TableBorder.Rounded)
            .AddColumn("held-out texts")
            .AddColumn(new TableColumn($"{report.HeldOut.Documents:N0}").RightAligned());
        Row("AUC", report.HeldOut.Auc);
        Row("accuracy", report.HeldOut.Accuracy);
        Row("F1", report.HeldOut.F1);
        Row("log loss (before calibration)", report.Uncalibrated.LogLoss);
        Row("log loss", report.HeldOut.LogLoss);
        Row("calibration error (before)", report.Uncalibrated.CalibrationError);
        Row("calibration error", report.HeldOut.CalibrationError);
        Write(table);
        Console.Error.WriteLine($"good: {report.GoodTexts}");
        Console.Error.WriteLine($"other: {report.RawTexts}");
        Console.Error.WriteLine(
            $"trained on {report.Trained:N0} of {report.GoodUsed:N0} good and {report.RawUsed:N0} other texts; {report.NonZeroWeights:N0} "
                + $"weights are not zero"
        );
        Console.Error.WriteLine($"speaks for a text: {string.Join(", ", report.Good.Take(15).Select(n => n.Ngram))}");
        Console.Error.WriteLine($"speaks against it: {string.Join(", ", report.Raw.Take(15).Select(n => n.Ngram))}");
        Console.Error.WriteLine($"Model: {file}");

        void Row(string name, double value) => table.AddRow(name, value.ToString("0.0000", CultureInfo.InvariantCulture));
    }

    private static void Show(PerplexityReport report, string file)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("perplexity");
        foreach (var name in (string[])["texts", "5 %", "25 %", "median", "75 %", "95 %", "as one text"])
            table.AddColumn(new TableColumn(name).RightAligned());
        Row("held out", report.HeldOut);
        Row("raw", report.Raw);
        Write(table);
        if (report.Auc is { } auc)
            Console.Error.WriteLine($"a held-out text is less perplexing than a raw one with probability {auc:0.0000}");
        Console.Error.WriteLine(report.Texts);
        Console.Error.WriteLine(
            $"{report.Tokens:N0} tokens of {report.Documents:N0} texts, {report.Vocabulary:N0} words, {report.Ngrams.Sum():N0} n-grams "
                + $"kept of {report.NgramsSeen.Sum():N0}"
        );
        Console.Error.WriteLine($"Model: {file}");

        void Row(string name, PerplexitySpread? spread)
        {
            if (spread is null)
                return;
            table.AddRow([
                name,
                $"{spread.Documents:N0}",
                .. ((double[])[spread.P5, spread.P25, spread.Median, spread.P75, spread.P95, spread.Corpus]).Select(v =>
                    v.ToString("0.0", CultureInfo.InvariantCulture)
                ),
            ]);
        }
    }

    private static void Write(Table table) =>
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }).Write(table);
}
