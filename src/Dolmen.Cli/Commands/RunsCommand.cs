using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Spectre.Console;

namespace Dolmen.Cli.Commands;

/// <summary><c>runs ls</c> and <c>runs show</c>: what lies in a folder, and what a result was made of.</summary>
internal static class RunsCommand
{
    public static Command Build() => new("runs", "What was made, of what, by which recipe.") { List(), Show() };

    private static Command List()
    {
        var folder = new Argument<string>("FOLDER")
        {
            Description = "A folder of runs (runs), or a run, whose stages are listed.", DefaultValueFactory = _ => "runs",
        };
        var json = CommonOptions.Json();
        var command = new Command("ls", "List a folder's runs: what made them, when, in which time, how big, whether finished.")
        {
            folder, json,
        };
        command.Runs((parsed, _) =>
        {
            var works = ListedWork.In(parsed.GetRequiredValue(folder));
            if (parsed.GetValue(json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(works, RunsJson.Default.IReadOnlyListListedWork));
                return;
            }
            if (works.Count == 0)
            {
                Console.Error.WriteLine($"{parsed.GetRequiredValue(folder)} holds no run.");
                return;
            }
            var table = new Table().Border(TableBorder.Rounded).AddColumns("name", "made by", "finished (UTC)");
            foreach (var title in (string[])["wall time", "size"]) table.AddColumn(new TableColumn(title).RightAligned());
            table.AddColumn("state");
            foreach (var work in works)
            {
                table.AddRow([.. ((string[])[
                    work.Name, work.Kind ?? "", Time(work.Finished), Duration(work.Seconds), Size(work.Bytes), State(work),
                ]).Select(Markup.Escape)]);
            }
            CorpusCommand.Output().Write(table);
        });
        return command;
    }

    private static Command Show()
    {
        var path = new Argument<string>("DIR") { Description = "A run, or the folder or file that a verb has made." };
        var json = CommonOptions.Json();
        var command = new Command("show", "Say what a result was made of, step by step back to the documents: filters, tokenizer, steps.")
        {
            path, json,
        };
        command.Runs((parsed, stop) =>
        {
            var lineage = Lineage.Of(parsed.GetRequiredValue(path), stop);
            if (parsed.GetValue(json)) Console.Out.WriteLine(JsonSerializer.Serialize(Report(lineage), RunsJson.Default.LineageReport));
            else foreach (var line in Lines(lineage)) Console.Out.WriteLine(line);
        });
        return command;
    }

    private static LineageReport Report(Lineage lineage) =>
        new(lineage.Steps, [.. lineage.Ends.Select(end => new LineageEnd(end.Step.Name, end.Input.Input.Role, Sentence(end.Input)))]);

    private static IEnumerable<string> Lines(Lineage lineage)
    {
        foreach (var step in lineage.Steps)
        {
            var made = step.Manifest;
            yield return $"{step.Name}  ({made.Stage})";
            yield return $"  when     {Time(made.Finished)} UTC, {Duration(made.Seconds)}, {made.Outputs.Count} files, {Size(made.Bytes)}";
            var commit = made.Commit is { } full ? $", commit {full[..Math.Min(12, full.Length)]}" : "";
            yield return $"  by       Dolmen {made.Version}{commit}, seed {made.Seed}, {made.Machine.CpuModel}";
            if (step.Damage is { } damage) yield return $"  CHANGED  {damage}: it differs from what this step made";
            foreach (var (name, value) in made.Facts ?? []) yield return $"  {ShownName.Of(name)}: {Fact(value)}";
            foreach (var input in step.Inputs) yield return $"  from     {ShownName.Of(input.Input.Role)}: {Sentence(input)}";
            yield return "";
        }
        var ends = lineage.Ends.DistinctBy(end => (end.Input.Input.Name, end.Input.Input.Sha256)).ToList();
        yield return ends.Count == 0 ? "Nothing was read from outside." : "The trail ends at:";
        foreach (var (step, input) in ends) yield return $"  {Sentence(input)}, read by {step.Name}";
    }

    private static string Sentence(LineageInput input)
    {
        var sha256 = input.Input.Sha256 is { } hash ? $" (sha256 {hash[..12]}…)" : "";
        return $"{ShownName.Of(input.Input.Name)}{sha256} " + input.State switch
        {
            InputState.Unchanged when input.Step is { } step => $"made by {step}",
            InputState.Unchanged when input.Input.Manifest is not null => "unchanged; the manifest of what made it is gone",
            InputState.Unchanged => "unchanged; no manifest says how it was made",
            InputState.Changed => "CHANGED since: what is there now is not what was read",
            InputState.Missing => "is MISSING where it was read",
            _ when input.Input.Sha256 is null => "was not read from a file of this machine",
            _ => "lay where the manifest does not say",
        };
    }

    private static string Fact(JsonNode? value) => value switch
    {
        JsonObject { Count: 0 } or JsonArray { Count: 0 } => "none",
        JsonObject table => string.Join(", ", table.Select(entry => $"{entry.Key} {Fact(entry.Value)}")),
        JsonArray list => string.Join(", ", list.Select(Fact)),
        JsonValue number when number.GetValueKind() == JsonValueKind.Number => Number(number.GetValue<double>()),
        _ => ShownName.Of(value?.ToString() ?? "null"),
    };

    private static string Number(double number) =>
        number.ToString(number == Math.Floor(number) ? "N0" : "0.####", CultureInfo.InvariantCulture);

    private static string Time(DateTime? time) => time?.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) ?? "";

    private static string Duration(double? seconds) => seconds is not { } s ? ""
        : s < 60 ? $"{s.ToString("0.0", CultureInfo.InvariantCulture)} s" : $"{(long)s / 60} min {(long)s % 60} s";

    private static string Size(long bytes) => bytes switch
    {
        < 1000 => $"{bytes} B",
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:0.0} kB"),
        < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.0} GB"),
    };

    private static string State(ListedWork work) =>
        work.Problem is { } problem ? $"changed: {problem}" : work.State.ToString().ToLowerInvariant();
}

internal sealed record LineageEnd(string Step, string Role, string Says);

/// <summary>What <c>runs show --json</c> puts on stdout.</summary>
internal sealed record LineageReport(IReadOnlyList<LineageStep> Steps, IReadOnlyList<LineageEnd> Ends);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(IReadOnlyList<ListedWork>))]
[JsonSerializable(typeof(LineageReport))]
internal sealed partial class RunsJson : JsonSerializerContext;
