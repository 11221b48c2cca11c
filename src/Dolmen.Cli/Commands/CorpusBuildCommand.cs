using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Building;
using Dolmen.Data.Cleaning;
using Dolmen.Data.Inputs;
using Dolmen.Pipeline;
using Spectre.Console;

namespace Dolmen.Cli.Commands;

/// <summary><c>corpus build</c>, and <c>corpus merge</c> for what several ranks have measured.</summary>
internal static class CorpusBuildCommand
{
    public static Command Build() => Verb("build",
        "Read crawls and documents, filter, deduplicate, mask, hold out, write a corpus. Killed, the same command goes on.", merges: false);

    public static Command Merge() =>
        Verb(
            "merge",
            "Finish a corpus whose shards the ranks of 'corpus build --rank' have measured; the same inputs and recipe.",
            merges: true
        );

    private static Command Verb(string name, string description, bool merges)
    {
        var positional = new Argument<string[]>("INPUT") { Description = "As --input.", Arity = ArgumentArity.ZeroOrMore };
        var inputs = new Option<string[]>("--input")
        {
            Description =
                "Folders or files: .warc .wet .arc .jsonl .csv .txt .md .html (also .gz, .zst), .parquet, .xml, .cs. The running SDK's XML "
                    + "documentation when left out.",
            HelpName = "PATH",
            AllowMultipleArgumentsPerToken = true,
        };
        var output = CommonOptions.Out("Where the corpus goes: a new or empty folder, or one of the same inputs and recipe to go on with.");
        output.Required = true;
        var recipe = new Option<string?>("--recipe")
        {
            Description =
                "crawl-to-corpus, or a file like it, for all inputs. Left out, each file's kind decides: crawl-to-corpus for crawls and "
                    + "tables; of documentation and texts nothing but copies is dropped.",
            HelpName = "NAME|FILE",
        };
        var set = CommonOptions.Set("filters.gopherQuality.minWords=30");
        var textField = new Option<string?>("--text-field")
        {
            Description = "The field of JSON lines, or the column of CSV files, that holds the documents (text).",
            HelpName = "NAME",
        };
        var tokenizer = TokenizerOption.Counting();
        var index = new Option<string?>("--index")
        {
            Description =
                "Documents of earlier crawls: what duplicates one of them is dropped, and what is built is added at the end. As --set "
                    + "dedup.index=DIR.",
            HelpName = "DIR",
        };
        var followLinks = new Option<bool>("--follow-links")
        {
            Description =
                "Follow symbolic links that lead out of an input folder, and those to folders; they are left out and counted otherwise.",
        };
        var heldOut = new Option<double?>("--held-out")
        {
            Description = "Share kept out of training: of the members of documentation, of the documents of crawls (0.05).",
            HelpName = "FRACTION",
        };
        var memory = new Option<int?>("--memory")
        {
            Description = "Megabytes that sorting for duplicates may hold (512).",
            HelpName = "MB",
        };
        var rank = new Option<int?>("--rank")
        {
            Description =
                "Which of --world processes this one is, from 0: it measures its shards alone. From Open MPI or Slurm when left out.",
            HelpName = "N",
        };
        var world = new Option<int?>("--world") { Description = "How many processes share the shards.", HelpName = "N" };
        var (seed, threads, json) = (CommonOptions.Seed(), CommonOptions.Threads(), CommonOptions.Json());
        var command = new Command(name, description)
        {
            positional,
            inputs,
            output,
            recipe,
            set,
            textField,
            tokenizer,
            followLinks,
            index,
            heldOut,
            memory,
            seed,
            threads,
            json,
        };
        if (!merges)
        {
            command.Add(rank);
            command.Add(world);
        }
        command.Runs(
            (parsed, stop) =>
            {
                var directory = parsed.GetRequiredValue(output) ?? "";
                var corpus = new CorpusRecipe();
                if (parsed.GetValue(heldOut) is { } fraction)
                    corpus = corpus with { HeldOutFraction = fraction };
                if (parsed.GetValue(textField) is { } field)
                    corpus = corpus with { TextField = field };
                if (parsed.GetValue(tokenizer) is { } vocabulary)
                    corpus = corpus with { Tokenizer = vocabulary };
                if (parsed.GetValue(threads) is { } count and (< 1 or > 1024))
                    throw new UserErrorException($"--threads {count}: it must lie between 1 and 1024.");
                if (parsed.GetValue(memory) is { } megabytes and < 16)
                    throw new UserErrorException($"--memory {megabytes}: sorting needs 16 MB at least.");
                var run = new CleaningRun(
                    parsed.GetValue(threads) ?? Environment.ProcessorCount,
                    (parsed.GetValue(memory) ?? 512L) << 20,
                    merges ? ShardRank.Alone : Rank(parsed.GetValue(rank), parsed.GetValue(world)),
                    folder => ModelPerplexity.Load(folder, parsed.GetValue(threads))
                );
                using var held = FileLock.Beside(directory, run.Rank.World > 1 ? run.Rank.Rank : null);
                string[] changes =
                [
                    .. parsed.GetValue(set) ?? [],
                    .. parsed.GetValue(index) is { } known ? [$"dedup.index={Path.GetFullPath(known)}"] : (string[])[],
                ];
                using var work = new RecordedWork(string.Join(' ', parsed.CommandPath()), directory, stop);
                using var progress = new ConsoleProgress(parsed.GetValue(json));
                string[] all = [.. parsed.GetValue(positional) ?? [], .. parsed.GetValue(inputs) ?? []];
                work.Reads("input", all);
                work.Reads("index", parsed.GetValue(index));
                var seedOfDraws = (ulong)(parsed.GetValue(seed) ?? 0);
                var result = CorpusBuild.Run(
                    corpus,
                    all,
                    directory,
                    seedOfDraws,
                    parsed.GetValue(recipe),
                    changes,
                    run,
                    progress,
                    stop,
                    parsed.GetValue(followLinks)
                );
                if (result is not null)
                {
                    if (all.Length == 0) work.Reads(CorpusFacts.DefaultInput(CorpusInputs.Sha256([], stop)));
                    var settings = new JsonObject
                    {
                        ["heldOutFraction"] = corpus.HeldOutFraction, ["textField"] = corpus.TextField,
                        ["cleaning"] = CorpusFacts.Recipe(result.Directory),
                    };
                    work.Finish(seedOfDraws, settings, CorpusFacts.Of(result.Directory));
                }
                if (result is null)
                    Console.Error.WriteLine(
                        $"dolmen: the shards of rank {run.Rank.Rank} are measured. When all ranks are done: dolmen corpus merge with the "
                            + $"same inputs and --out {directory}"
                    );
                else if (parsed.GetValue(json))
                    Console.Out.WriteLine(Json(result.Report, result.Directory));
                else
                    CorpusCommand.Show(result.Report, result.Directory, json: false);
            }
        );
        return command;
    }

    private static ShardRank Rank(int? rank, int? world)
    {
        if (rank is null && world is null) return ShardRank.FromEnvironment();
        if (rank is not { } r || world is not { } w || w < 1 || r < 0 || r >= w)
            throw new UserErrorException(
                $"--rank {rank} --world {world}: both are needed, and the rank must lie between 0 and the world less one."
            );
        return new ShardRank(r, w);
    }

    /// <summary>The counts of cleaning first, then the whole report.</summary>
    private static string Json(CorpusReport report, string directory)
    {
        var tree = JsonSerializer.SerializeToNode(report, CliDataJson.Default.CorpusReport)?.AsObject() ?? [];
        var cleaning = report.Cleaning is { } c ? JsonSerializer.SerializeToNode(c, CliDataJson.Default.CleaningReport)?.AsObject() : null;
        tree.Remove("cleaning");
        var merged = new JsonObject { ["out"] = directory };
        foreach (var (key, value) in cleaning ?? []) merged[key] = value?.DeepClone();
        if (report.Cleaning is { } measured)
        {
            merged["seconds"] = Math.Round(measured.Seconds, 3);
            merged["megabytesPerSecond"] = Math.Round(measured.MegabytesPerSecond, 2);
        }
        merged["corpus"] = tree;
        return merged.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
    }
}
