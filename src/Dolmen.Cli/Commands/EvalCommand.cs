using System.CommandLine;
using Dolmen.Evaluation;
using Dolmen.Inference;
using Dolmen.Pipeline;
using Dolmen.Pipeline.Recipes;
using Dolmen.Serving;
using Spectre.Console;

namespace Dolmen.Cli.Commands;

internal static class EvalCommand
{
    public static Command Build()
    {
        var command = new Command("eval", "Measure models on held-out text and questions.");
        command.Add(Run());
        command.Add(TranslateCommand.Evaluate());
        command.Add(List());
        return command;
    }

    private static Command Run()
    {
        var (model, precision, kvCache) = (CommonOptions.RunnableModel(), CommonOptions.Precision(), CommonOptions.KvCache());
        var corpus = new Option<string>("--corpus")
        {
            Description = "A corpus folder with the held-out files.", HelpName = "DIR", Required = true,
        };
        var recipe = new Option<string>("--recipe")
        {
            Description = "The recipe whose evaluation.tasks are run (quickstart).", HelpName = "NAME|FILE",
            DefaultValueFactory = _ => "quickstart",
        };
        var output = CommonOptions.Out(
            "Where to put evaluation.json, evaluation.md, lm-eval's layout of the results, questions.jsonl and answers.jsonl.");
        var set = CommonOptions.Set("evaluation.tasks.2.shots=3");
        var seed = CommonOptions.Seed();
        var json = CommonOptions.Json();
        var command = new Command("run", "Evaluate one model by the tasks of a recipe: bits per byte, multiple choice, refusal.")
        {
            model, precision, kvCache, corpus, recipe, set, output, seed, json, CommonOptions.Strict(),
        };
        command.RunsInto(output, (parsed, work, stop) =>
        {
            var asJson = parsed.GetValue(json);
            var folder = parsed.GetRequiredValue(model);
            var tasks = RecipeFile.Load(parsed.GetRequiredValue(recipe), new RecipeChanges(Set: parsed.GetValue(set))).Evaluation;
            work.Reads("model", ModelFolder.Locate(folder));
            var files = tasks.Tasks.SelectMany(task => task.Files()).Distinct();
            work.Reads("corpus", files.Select(file => Path.Combine(parsed.GetRequiredValue(corpus), file)).Where(File.Exists));
            var (loaded, tokenizer) = ModelFolder.Load(
                folder, precision: CommonOptions.PrecisionOf(parsed, precision), kept: CommonOptions.KvCacheOf(parsed, kvCache));
            using var owned = loaded;
            EvaluationResult result;
            using (var progress = new ConsoleProgress(asJson))
            {
                result = EvaluationRun.Run(loaded, tokenizer, parsed.GetRequiredValue(corpus), tasks,
                    (ulong)(parsed.GetValue(seed) ?? 0), progress, stop);
            }
            (string Name, EvaluationResult Result)[] models = [(ServedModel.NameOf(folder), result)];
            if (parsed.GetValue(output) is { } directory)
            {
                EvaluationFolder.Write(directory, models);
                work.Finish(result.Seed, RecipeFile.ToTree(tasks), EvaluationFacts.Of(directory));
            }
            if (asJson) Console.Out.Write(EvaluationFolder.Json(models));
            else Show(models);
        });
        return command;
    }

    private static Command List()
    {
        var json = CommonOptions.Json();
        var command = new Command("ls", "List the tasks and the metrics they give.") { json };
        command.Runs((parsed, _) =>
        {
            var tasks = EvaluationRecipe.Standard;
            if (parsed.GetValue(json))
            {
                Console.Out.Write(EvaluationFolder.Json(tasks));
                return;
            }
            var table = new Table().Border(TableBorder.Rounded).AddColumns("task", "metrics", "measures");
            foreach (var task in tasks)
            {
                var metrics = string.Join(", ", task.Metrics());
                table.AddRow(Markup.Escape(task.Name()), Markup.Escape(metrics), Markup.Escape(task.Measures()));
            }
            OnStderr().Write(table);
        });
        return command;
    }

    private static void Show((string Name, EvaluationResult Result)[] models)
    {
        var (table, result) = (new Table().Border(TableBorder.Rounded).AddColumns("metric", "value"), models[0].Result);
        var evaluation = new EvaluationTable(models);
        foreach (var (title, cell) in evaluation.Titles.Zip(evaluation.Cells(0)))
        {
            table.AddRow(Markup.Escape(title), Markup.Escape(cell));
        }
        var console = OnStderr();
        console.Write(table);
        console.WriteLine($"{EvaluationTable.Counts(result)}; {result.Seconds:0.0} s; ± is one standard error.");
        foreach (var warning in result.Warnings) console.WriteLine($"note: {warning}");
    }

    private static IAnsiConsole OnStderr() => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
}
