using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Pipeline.Interchange;
using Dolmen.Tokenization;

namespace Dolmen.Cli.Commands;

internal static class TokenizerTrainCommand
{
    public static Command Build()
    {
        var command = new Command("train", "Learn a vocabulary from text and write it as Hugging Face's tokenizer.json.");
        var paths = new Argument<string[]>("path")
        {
            Description = "A corpus that was built, text files, or folders of them.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var input = new Option<string[]>("--input")
        {
            Description = "The same as a path. May be repeated.",
            HelpName = "PATH",
            AllowMultipleArgumentsPerToken = true,
        };
        var output = CommonOptions.Out("Where the tokenizer goes.");
        output.Required = true;
        var model = new Option<string>("--model")
        {
            Description = "bpe merges the most frequent pairs of bytes; unigram keeps the pieces that make text most likely.",
            HelpName = "bpe|unigram",
            DefaultValueFactory = _ => "bpe",
        };
        var size = new Option<int?>("--vocab-size")
        {
            Description = "Tokens of the vocabulary, bytes and special ones among them. 4096 when left out.",
            HelpName = "N",
        };
        var split = new Option<string?>("--pre-tokenizer")
        {
            Description =
                $"What cuts text before merging: {string.Join(' ', PreTokenizer.Names.Order(StringComparer.Ordinal))}, or a regular "
                    + $"expression. o200k when left out.",
            HelpName = "NAME",
        };
        var digits = new Option<int?>("--digits")
        {
            Description = "The most digits of a token: 1, 2 or 3. The pre-tokenizer's own when left out.",
            HelpName = "N",
        };
        var minimum = new Option<int?>("--min-frequency")
        {
            Description = "A pair that occurs less often is not merged by bpe. 2 when left out.",
            HelpName = "N",
        };
        var longest = new Option<int?>("--max-token-bytes") { Description = "A longer token is not made.", HelpName = "N" };
        var special = new Option<string[]>("--special")
        {
            Description = "Name of a special token beside Dolmen's own; text is cut where it stands. May be repeated.",
            HelpName = "NAME",
        };
        var extend = new Option<string?>("--extend")
        {
            Description = "Go on from this vocabulary: its tokens keep their ids, its pre-tokenizer stays.",
            HelpName = "NAME|FILE|DIR",
        };
        var balance = new Option<double?>("--balance")
        {
            Description =
                "Languages count as if each were its share of the text to this power: 1 as they are, 0 all alike. A language is a corpus's "
                    + "column, a folder below the input, or a file.",
            HelpName = "ALPHA",
        };
        var memory = new Option<int?>("--memory")
        {
            Description =
                "Megabytes for words; what does not fit goes to disk while counting, and the rarest are left out while learning. 2048 when "
                    + "left out.",
            HelpName = "MB",
        };
        var (set, threads, json) = (CommonOptions.Set("minPairCount=4"), CommonOptions.Threads(), CommonOptions.Json());
        command.Add(paths);
        foreach (
            Option option in (Option[])
                [input, output, model, size, split, digits, minimum, longest, special, extend, balance, memory, set, threads, json]
        )
            command.Add(option);
        command.RunsInto(
            output,
            (parsed, work, stop) =>
            {
                var recipe = Recipe(parsed.GetValue(set) ?? []);
                recipe = recipe with
                {
                    VocabSize = parsed.GetValue(size) ?? recipe.VocabSize,
                    PreTokenizer = parsed.GetValue(split) ?? recipe.PreTokenizer,
                    Digits = parsed.GetValue(digits) ?? recipe.Digits,
                    MinPairCount = parsed.GetValue(minimum) ?? recipe.MinPairCount,
                    MaxTokenBytes = parsed.GetValue(longest) ?? recipe.MaxTokenBytes,
                    SpecialTokens = parsed.GetValue(special) is { Length: > 0 } names ? names : recipe.SpecialTokens,
                    Balance = parsed.GetValue(balance) ?? recipe.Balance,
                    MemoryMegabytes = parsed.GetValue(memory) ?? recipe.MemoryMegabytes,
                };
                string[] inputs = [.. parsed.GetValue(paths) ?? [], .. parsed.GetValue(input) ?? []];
                if (inputs.Length == 0)
                    throw new UserErrorException("tokenizer train needs text to learn from: name a corpus, files or folders with --input.");
                var request = new TrainingRequest(
                    inputs,
                    parsed.GetRequiredValue(output)!,
                    parsed.GetRequiredValue(model),
                    parsed.GetValue(extend)
                );
                work.Reads("text", inputs);
                work.Reads("extend", request.Extend);
                var result = Run(request, recipe, parsed.GetValue(threads), stop);
                work.Finish(0, Settings(request, recipe), Facts(result));
                if (parsed.GetValue(json))
                    Console.Out.WriteLine(JsonSerializer.Serialize(result, TokenizerTrainJson.Default.TrainedTokenizer));
                else
                    Console.Error.WriteLine($"{result.VocabSize} tokens learned from {result.Files} files, in {result.Tokenizer}");
            }
        );
        return command;
    }

    private static JsonObject Settings(TrainingRequest request, TokenizerRecipe recipe)
    {
        var settings = JsonSerializer.SerializeToNode(recipe, TokenizerTrainJson.Default.TokenizerRecipe)?.AsObject() ?? [];
        settings.Insert(0, "model", request.Model);
        return settings;
    }

    private static JsonObject Facts(TrainedTokenizer made) => new()
    {
        ["vocabSize"] = made.VocabSize, ["merges"] = made.Merges, ["documents"] = made.Data.Used, ["bytes"] = made.Bytes,
    };

    private sealed record TrainingRequest(string[] Inputs, string Output, string Model, string? Extend);

    private static TrainedTokenizer Run(TrainingRequest request, TokenizerRecipe recipe, int? threads, CancellationToken stop)
    {
        var corpora = request.Inputs.Where(path => Directory.Exists(Path.Combine(path, "documents"))).ToArray();
        var others = request.Inputs.Except(corpora, StringComparer.Ordinal).ToArray();
        var tally = new DataTally("documents");
        var files = others.Length > 0 ? TextFiles.Find(others, tally) : [];
        var documents = corpora.SelectMany(corpus => CorpusText.ReadTexts(corpus, tally)).Concat(TextFiles.Read(files, tally));
        var totalBytes = corpora.Length > 0 ? 0 : files.Sum(file => new FileInfo(file.Path).Length);
        var started = Stopwatch.GetTimestamp();
        using var progress = new ConsoleProgress();
        var (vocabSize, merges, corpus) = request.Model switch
        {
            "bpe" => Bpe(request, documents, recipe, threads, totalBytes, progress, stop),
            "unigram" when request.Extend is null => Unigram(request, documents, recipe, threads, totalBytes, progress, stop),
            "unigram" => throw new UserErrorException("--extend goes on from merges: leave out --model unigram."),
            _ => throw new UserErrorException($"--model is {request.Model}: it is bpe or unigram."),
        };
        Console.Error.WriteLine(tally.ToCounts());
        if (vocabSize < recipe.VocabSize)
            Console.Error.WriteLine($"The corpus repeats too little for {recipe.VocabSize} tokens: the vocabulary has {vocabSize}.");
        if (corpus.DroppedWords > 0)
            Console.Error.WriteLine(
                $"{corpus.DroppedWords} rare words did not fit in {recipe.MemoryMegabytes} MB and were left out: raise --memory."
            );
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return new TrainedTokenizer(
            Path.GetFullPath(request.Output),
            vocabSize,
            merges,
            files.Count + corpora.Length,
            corpus.Bytes,
            corpus.Words,
            corpus.DroppedWords,
            Math.Round(seconds, 3),
            Math.Round(corpus.Bytes / seconds),
            recipe.Balance is null ? null : corpus.Languages,
            tally.ToCounts()
        );
    }

    private static (int VocabSize, int Merges, TrainedCorpus Corpus) Bpe(
        TrainingRequest request, IEnumerable<TrainingText> documents, TokenizerRecipe recipe, int? threads, long totalBytes,
        IProgress<StageProgress> progress, CancellationToken stop)
    {
        var trained = request.Extend is { } known
            ? BpeTrainer.Extend(Known(known), documents, recipe, progress, stop, threads, totalBytes)
            : BpeTrainer.Train(documents, recipe, progress, stop, threads, totalBytes);
        TokenizerFolder.Save(trained.Tokenizer, request.Output);
        return (trained.Tokenizer.VocabSize, trained.Tokenizer.Merges.Count, trained.Corpus);
    }

    private static (int VocabSize, int Merges, TrainedCorpus Corpus) Unigram(
        TrainingRequest request, IEnumerable<TrainingText> documents, TokenizerRecipe recipe, int? threads, long totalBytes,
        IProgress<StageProgress> progress, CancellationToken stop)
    {
        var (tokenizer, corpus) = UnigramTrainer.Train(documents, recipe, progress, stop, threads, totalBytes);
        TokenizerFolder.Save(tokenizer, request.Output);
        return (tokenizer.VocabSize, 0, corpus);
    }

    private static BpeTokenizer Known(string source) => TokenizerSource.Open(source) as BpeTokenizer
        ?? throw new UserErrorException($"--extend {source} is not a byte-level BPE: only such vocabularies can be extended.");

    private static TokenizerRecipe Recipe(string[] settings)
    {
        var tree = new JsonObject();
        foreach (var setting in settings)
        {
            var parts = setting.Split('=', 2);
            if (parts.Length != 2 || parts[0].Length == 0)
                throw new UserErrorException($"--set {setting} is not NAME=VALUE. Try --set vocabSize=4096.");
            tree[parts[0]] = parts[1] switch
            {
                "true" or "false" => JsonValue.Create(parts[1] == "true"),
                _ when double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number
                    == Math.Floor(number)
                && Math.Abs(number) < int.MaxValue
                    ? JsonValue.Create((int)number)
                    : JsonValue.Create(number),
                _ => JsonValue.Create(parts[1]),
            };
        }
        try
        {
            return tree.Deserialize(TokenizerTrainJson.Default.TokenizerRecipe) ?? new TokenizerRecipe();
        }
        catch (JsonException error)
        {
            throw new UserErrorException(
                $"--set {string.Join(' ', settings)} names an unknown setting or gives it a value of another kind: a tokenizer has "
                    + $"vocabSize, minPairCount, preTokenizer, digits, maxTokenBytes, tiesByBytes, balance and memoryMegabytes.",
                error
            );
        }
    }
}

internal sealed record TrainedTokenizer(
    string Tokenizer, int VocabSize, int Merges, int Files, long Bytes, int Words, long DroppedWords, double Seconds, double BytesPerSecond,
    IReadOnlyList<TrainedLanguage>? Languages, DataCounts Data);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, NumberHandling = JsonNumberHandling.Strict,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TokenizerRecipe))]
[JsonSerializable(typeof(TrainedTokenizer))]
internal sealed partial class TokenizerTrainJson : JsonSerializerContext;
