using System.CommandLine;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Benchmarks;
using Spectre.Console;

namespace Dolmen.Cli.Commands;

internal static class BenchCommand
{
    public static Command Build()
    {
        var name = new Argument<string>("NAME")
        {
            HelpName = "NAME",
            Description = "Which: " + string.Join(", ", Benchmark.All.Select(bench => $"{bench.Name} ({bench.Description})")) + ".",
        };
        name.AcceptOnlyFromAmong([.. Benchmark.All.Select(bench => bench.Name)]);
        var json = CommonOptions.Json();
        var threads = CommonOptions.Threads();
        var output = CommonOptions.Out("Where plots go, if the benchmark draws any; none are written when left out.");
        var inputs = new Option<string[]>("--input", "--gold", "--data")
        {
            Description = "Files or folders to measure on, for the benchmarks that can.",
            HelpName = "PATH",
            AllowMultipleArgumentsPerToken = true,
        };
        var model = new Option<string?>("--model")
        {
            Description = "A model to measure, or one of others beside ours, for the benchmarks that can.",
            HelpName = "FILE",
        };
        var draft = new Option<string?>("--draft-model")
        {
            Description = "A smaller model that guesses what the model says, for the benchmark of that.",
            HelpName = "DIR",
        };
        var only = new Option<string[]>("--only")
        {
            Description = "Only cases whose names hold this, for the benchmarks that can. May be repeated.",
            HelpName = "TEXT",
            AllowMultipleArgumentsPerToken = false,
        };
        var rounds = new Option<int?>("--rounds")
        {
            Description = "How often each case is measured, for the benchmarks that can be measured in parts.",
            HelpName = "N",
        };
        var seconds = new Option<double?>("--seconds")
        {
            Description = "How long the load lasts, for the benchmarks that make one.", HelpName = "SECONDS",
        };
        var clients = new Option<int?>("--clients")
        {
            Description = "How many clients make it.", HelpName = "N",
        };
        var (minutes, tokens, seeds, set) = (
            new Option<double?>("--minutes")
            {
                Description = "Minutes of quickstart that each contestant of a race gets.", HelpName = "M",
            },
            new Option<long?>("--tokens")
            {
                Description = "Tokens that each contestant learns from.", HelpName = "N",
            },
            new Option<int?>("--seeds")
            {
                Description = "How many models are trained, each with its own seed.", HelpName = "N",
            },
            CommonOptions.Set("base.batchTokens=2048")
        );
        var command = new Command("bench", "Measure ours against what it replaces, both in one run.")
        {
            name,
            inputs,
            model,
            draft,
            only,
            rounds,
            seconds,
            clients,
            minutes,
            tokens,
            seeds,
            set,
            output,
            json,
            threads,
        };
        command.Runs(
            (parsed, stop) =>
            {
                Dolmen.Modeling.Engine.Start(parsed.GetValue(threads));
                var bench = Benchmark.All.First(candidate => candidate.Name == parsed.GetValue(name));
                var given = new BenchmarkInputs(
                    parsed.GetValue(inputs) ?? [],
                    parsed.GetValue(model),
                    parsed.GetValue(only),
                    parsed.GetValue(rounds),
                    parsed.GetValue(seconds),
                    parsed.GetValue(clients)
                )
                {
                    DraftModel = parsed.GetValue(draft),
                    Minutes = parsed.GetValue(minutes),
                    Tokens = parsed.GetValue(tokens),
                    Seeds = parsed.GetValue(seeds),
                    Set = parsed.GetValue(set),
                    Threads = parsed.GetValue(threads),
                };
                bench.Check(given);
                using var progress = new ConsoleProgress();
                var rows = bench.Run(given, progress, stop).ToList();
                progress.Dispose();
                if (parsed.GetValue(output) is { } directory)
                    WritePlots(bench, rows, Path.GetFullPath(directory));
                if (parsed.GetValue(json))
                {
                    var report = new BenchmarkReport(bench.Name, Machine(), GitCommit.Of(AppContext.BaseDirectory), rows);
                    Console.Out.WriteLine(JsonSerializer.Serialize(report, BenchmarkJson.Default.BenchmarkReport));
                    return;
                }
                var table = new Table().AddColumns("case", "ours", "unit", "ratio", "median of", "spread");
                foreach (var row in rows)
                    table.AddRow(
                        Markup.Escape(row.Case),
                        $"{row.Value:#,0.####}",
                        row.Unit,
                        $"{row.Ratio:0.00}x",
                        $"{row.MedianOf}",
                        $"±{row.Spread:P0}"
                    );
                AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }).Write(table);
            }
        );
        return command;
    }

    private static void WritePlots(Benchmark bench, IReadOnlyList<BenchmarkRow> rows, string directory)
    {
        Directory.CreateDirectory(directory);
        foreach (var (file, svg) in bench.Plots(rows))
        {
            AtomicFile.WriteText(Path.Combine(directory, file), svg);
            Console.Error.WriteLine($"plot: {Path.Combine(directory, file)}");
        }
    }

    private static string Machine()
    {
        var machine = MachineSnapshot.Take();
        return $"{machine.CpuModel}, {machine.Cores} cores, {string.Join(' ', machine.CpuFeatures)}, {machine.OperatingSystem}";
    }
}
