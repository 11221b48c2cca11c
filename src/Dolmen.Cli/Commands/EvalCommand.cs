using System.CommandLine;
using Dolmen.Evaluation;
using Dolmen.Inference;
using Dolmen.Serving;
using Spectre.Console;

namespace Dolmen.Cli.Commands;

internal static class EvalCommand
{
    public static Command Build()
    {
        var command = new Command("eval", "Measures models on held-out text and questions.");
        command.Add(Run());
        command.Add(TranslateCommand.Evaluate());
        command.Add(List());
        return command;
    }

    private static Command Run()
    {
        var model = CommonOptions.Model();
        var corpus = new Option<string>("--corpus")
        {
            Description = "A corpus folder with the held-out files.", HelpName = "DIR", Required = true,
        };
        var output = CommonOptions.Out("Where to put evaluation.json, evaluation.md, questions.jsonl and answers.jsonl.");
        var seed = CommonOptions.Seed();
        var json = CommonOptions.Json();
        var command = new Command("run", "Evaluates one model: bits per byte, multiple choice, refusal.") 
        {
            model, corpus, output, seed, json, CommonOptions.Strict(),
        };
        command.RunsInto(output, (parsed, stop) =>
        {
            var asJson = parsed.GetValue(json);
            var folder = parsed.GetRequiredValue(model);
            var (loaded, tokenizer) = ModelFolder.Load(folder);
            using var owned = loaded;
            EvaluationResult result;
            using (var progress = new ConsoleProgress(asJson))
            {
                result = EvaluationRun.Run(loaded, tokenizer, parsed.GetRequiredValue(corpus), new EvaluationRecipe(),
                    (ulong)(parsed.GetValue(seed) ?? 0), progress, stop);
            }
            (string, EvaluationResult)[] models = [(ServedModel.NameOf(folder), result)];
            if (parsed.GetValue(output) is { } directory) EvaluationFolder.Write(directory, models);
            if (asJson) Console.Out.Write(EvaluationFolder.Json(models));
            else Show(result);
        });
        return command;
    }

    private static Command List()
    {
        var json = CommonOptions.Json();
        var command = new Command("ls", "Lists the tasks and the metrics they give.") { json };
        command.Runs((parsed, _) =>
        {
            var tasks = new EvaluationRecipe().Tasks();
            if (parsed.GetValue(json))
            {
                Console.Out.Write(EvaluationFolder.Json(tasks));
                return;
            }
            var table = new Table().Border(TableBorder.Rounded).AddColumns("task", "metrics", "measures");
            foreach (var task in tasks)
            {
                table.AddRow(Markup.Escape(task.Name), Markup.Escape(string.Join(", ", task.Metrics())), Markup.Escape(task.Measures));
            }
            OnStderr().Write(table);
        });
        return command;
    }

    private static void Show(EvaluationResult result)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("metric", "value");
        foreach (var (title, cell) in EvaluationTable.Titles.Zip(EvaluationTable.Cells(result)))
        {
            table.AddRow(Markup.Escape(title), Markup.Escape(cell));
        }
        var console = OnStderr();
        console.Write(table);
        console.WriteLine($"{result.Questions} questions, {result.HeldOutBytes} bytes of held-out text, " +
            $"{result.Seconds:0.0} s; ± is one standard error.");
        foreach (var warning in result.Warnings) console.WriteLine($"note: {warning}");
    }

    private static IAnsiConsole OnStderr() => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
}
