using System.CommandLine;
using Dolmen.Artifacts;
using Dolmen.Evaluation;
using Dolmen.Pipeline;
using Dolmen.Pipeline.Recipes;
using Dolmen.Pipeline.Reports;
using Spectre.Console;

namespace Dolmen.Cli.Commands;

/// <summary>What <c>quickstart</c> and <c>run</c> share: all but the recipe.</summary>
internal sealed class PipelineOptions
{
    private readonly Option<double?> _minutes = new("--minutes")
    {
        Description = "Minutes of training; the recipe's when left out.",
        HelpName = "M",
    };
    private readonly Option<string[]> _inputs = new("--input")
    {
        Description = "Folders or files to learn from, as 'corpus build' reads them; the SDK's API documentation when left out.",
        HelpName = "PATH",
        AllowMultipleArgumentsPerToken = true,
    };
    private readonly Option<string?> _plan = PlanOption();
    private readonly Option<string?> _out = CommonOptions.Out("Where the run goes; runs/ and the recipe's name when left out.");
    private readonly Option<long?> _seed = CommonOptions.Seed();
    private readonly Option<int?> _threads = CommonOptions.Threads();
    private readonly Option<string[]> _set = CommonOptions.Set();
    private readonly Option<bool> _json = CommonOptions.Json();

    private const string PortablePlan = "llama";

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_minutes, _inputs, _plan, _out, _seed, _threads, _set, _json]) command.Add(option);
    }

    public void Run(ParseResult parsed, string recipeName, CancellationToken stop)
    {
        static void Notice(string text) => Console.Error.WriteLine($"dolmen: {text}");
        if (parsed.GetValue(_seed) is < 0 and var negative)
            throw new UserErrorException($"--seed is {negative}: it must be 0 or more.");
        if (parsed.GetValue(_minutes) is { } minutes && !(minutes > 0))
            throw new UserErrorException($"--minutes is {minutes}: it must be above 0.");
        var changes = new RecipeChanges(
            parsed.GetValue(_minutes),
            (ulong?)parsed.GetValue(_seed),
            parsed.GetValue(_inputs),
            parsed.GetValue(_set),
            Portable: parsed.GetValue(_plan) == PortablePlan
        );
        var recipe = RecipeFile.Load(recipeName, changes, Notice);
        PipelineResult result;
        using (var progress = new ConsoleProgress())
        {
            var directory = parsed.GetValue(_out) ?? Path.Combine("runs", Path.GetFileNameWithoutExtension(recipeName));
            result = PipelineRun.Run(recipe, directory, parsed.GetValue(_threads), progress, progress.Say, stop);
        }
        Show(result);
        if (parsed.GetValue(_json)) Console.Out.WriteLine(result.ToJson());
    }

    private static Option<string?> PlanOption()
    {
        var plan = new Option<string?>("--plan")
        {
            Description = "llama trains the portable plan, which llama.cpp and transformers run too; it learns less from the same minutes.",
            HelpName = PortablePlan,
        };
        plan.AcceptOnlyFromAmong(PortablePlan);
        return plan;
    }

    private static void Show(PipelineResult result)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("held-out text");
        var models = result.Models();
        foreach (var (name, _) in models) table.AddColumn(new TableColumn(Markup.Escape(name)).RightAligned());
        var evaluation = new EvaluationTable(models);
        var cells = models.Select((_, model) => evaluation.Cells(model)).ToList();
        for (var row = 0; row < evaluation.Titles.Count; row++)
            table.AddRow([Markup.Escape(evaluation.Titles[row]), .. cells.Select(column => Markup.Escape(column[row]))]);
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }).Write(table);
        foreach (var headline in Headlines.Of(result)) Console.Error.WriteLine($"- {headline.Title}: {headline.Shown} {headline.Meaning}");
        Console.Error.WriteLine(
            $"{result.Parameters:N0} parameters, {result.Tokens:N0} tokens, {result.Seconds:0} s, peak memory "
                + $"{result.PeakMemoryBytes / 1e9:0.00} GB, about {result.EnergyJoules / 3600:0.0} Wh ({result.EnergyMethod})"
        );
        Console.Error.WriteLine($"Report: {NextCommands.Shown(Path.Combine(result.Out, "report.html"))}");
        Console.Error.WriteLine("Next:");
        foreach (var (command, what) in NextCommands.Explained(result)) Console.Error.WriteLine($"  {command,-48}  # {what}");
    }
}
