using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Tokenization;

namespace Dolmen.Cli.Commands;

internal static class TokenizerCommand
{
    public static Command Build()
    {
        var command = new Command("tokenizer", "Learn a vocabulary, turn text into tokens and back.");
        command.Add(Train());
        command.Add(Encode());
        command.Add(Decode());
        command.Add(TokenizerCompareCommand.Build());
        command.Add(TokenizerViewCommand.Build());
        return command;
    }

    private static Command Train()
    {
        var command = new Command("train", "Learn a byte-level BPE vocabulary from text and write it as Hugging Face's tokenizer.json.");
        var paths = new Argument<string[]>("path") { Description = "A corpus that was built, text files, or folders of them.", Arity = ArgumentArity.OneOrMore };
        var output = CommonOptions.Out("Where the tokenizer goes.");
        output.Required = true;
        var (set, threads, json) = (CommonOptions.Set(), CommonOptions.Threads(), CommonOptions.Json());
        command.Add(paths);
        command.Add(output);
        command.Add(set);
        command.Add(threads);
        command.Add(json);
        command.Runs((parsed, stop) =>
        {
            var recipe = Recipe(parsed.GetValue(set) ?? []);
            var folder = parsed.GetRequiredValue(output)!;
            var (corpora, others) = Split(parsed.GetRequiredValue(paths));
            var files = others.Length > 0 || corpora.Length == 0 ? TextFiles.Find(others) : [];
            using var progress = new ConsoleProgress();
            var documents = corpora.SelectMany(CorpusText.ReadDocuments).Concat(TextFiles.Read(files));
            var tokenizer = BpeTrainer.Train(documents, recipe, progress, stop, parsed.GetValue(threads));
            TokenizerFolder.Save(tokenizer, folder);
            if (tokenizer.VocabSize < recipe.VocabSize)
                Console.Error.WriteLine(
                    $"The corpus repeats too little for {recipe.VocabSize} tokens: the vocabulary has {tokenizer.VocabSize}.");
            var result = new TrainedTokenizer(Path.GetFullPath(folder), tokenizer.VocabSize, tokenizer.Merges.Count, files.Count + corpora.Length);
            if (parsed.GetValue(json))
                Console.Out.WriteLine(JsonSerializer.Serialize(result, TokenizerCommandJson.Default.TrainedTokenizer));
            else Console.Error.WriteLine($"{result.VocabSize} tokens learned from {result.Files} files, in {result.Tokenizer}");
        });
        return command;
    }

    private static (string[] Corpora, string[] Others) Split(string[] paths)
    {
        var corpora = paths.Where(path => Directory.Exists(Path.Combine(path, "documents"))).ToArray();
        return (corpora, [.. paths.Except(corpora, StringComparer.Ordinal)]);
    }

    private static Command Encode()
    {
        var command = new Command("encode", "Turn text into token ids.");
        var (tokenizer, json) = (Tokenizer(), CommonOptions.Json());
        var text = new Argument<string?>("text")
        {
            Description = "The text; standard input when left out.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var special = new Option<bool>("--special") { Description = "Names of special tokens in the text become these tokens." };
        command.Add(text);
        command.Add(tokenizer);
        command.Add(special);
        command.Add(json);
        command.Runs((parsed, _) =>
        {
            var loaded = TokenizerFolder.Load(parsed.GetRequiredValue(tokenizer));
            var tokens = loaded.Encode(parsed.GetValue(text) ?? Console.In.ReadToEnd(), parsed.GetValue(special));
            var result = new EncodedText(tokens, [.. tokens.Select(token => loaded.Decode([token]))]);
            Console.Out.WriteLine(parsed.GetValue(json)
                ? JsonSerializer.Serialize(result, TokenizerCommandJson.Default.EncodedText)
                : string.Join(' ', tokens));
        });
        return command;
    }

    private static Command Decode()
    {
        var command = new Command("decode", "Turn token ids into text.");
        var (tokenizer, json) = (Tokenizer(), CommonOptions.Json());
        var ids = new Argument<int[]>("id") { Description = "Token ids.", Arity = ArgumentArity.OneOrMore };
        command.Add(ids);
        command.Add(tokenizer);
        command.Add(json);
        command.Runs((parsed, _) =>
        {
            var loaded = TokenizerFolder.Load(parsed.GetRequiredValue(tokenizer));
            var tokens = parsed.GetRequiredValue(ids);
            foreach (var token in tokens)
                if (token < 0 || token >= loaded.VocabSize)
                    throw new UserErrorException($"{token} is no token of this vocabulary: its ids run from 0 to {loaded.VocabSize - 1}.");
            var text = loaded.Decode(tokens);
            Console.Out.WriteLine(parsed.GetValue(json)
                ? JsonSerializer.Serialize(new DecodedText(text), TokenizerCommandJson.Default.DecodedText)
                : text);
        });
        return command;
    }

    private static Option<string> Tokenizer() =>
        new("--tokenizer")
        {
            Description = "A folder with tokenizer.json: of a tokenizer or of a model.",
            HelpName = "DIR",
            Required = true,
        };

    private static TokenizerRecipe Recipe(string[] settings)
    {
        var tree = new JsonObject();
        foreach (var setting in settings)
        {
            var parts = setting.Split('=', 2);
            if (parts.Length != 2 || !int.TryParse(parts[1], out var value))
                throw new UserErrorException($"--set {setting} is not NAME=NUMBER. Try --set vocabSize=4096.");
            tree[parts[0]] = value;
        }
        try
        {
            return tree.Deserialize(TokenizerCommandJson.Default.TokenizerRecipe) ?? new TokenizerRecipe();
        }
        catch (JsonException error)
        {
            throw new UserErrorException(
                $"--set {string.Join(' ', settings)} names an unknown setting: a tokenizer has vocabSize and minPairCount.", error);
        }
    }
}

internal sealed record TrainedTokenizer(string Tokenizer, int VocabSize, int Merges, int Files);

internal sealed record EncodedText(int[] Tokens, string[] Pieces);

internal sealed record DecodedText(string Text);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, NumberHandling = JsonNumberHandling.Strict)]
[JsonSerializable(typeof(TokenizerRecipe))]
[JsonSerializable(typeof(TrainedTokenizer))]
[JsonSerializable(typeof(EncodedText))]
[JsonSerializable(typeof(DecodedText))]
internal sealed partial class TokenizerCommandJson : JsonSerializerContext;
