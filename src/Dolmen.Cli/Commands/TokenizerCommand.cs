using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Cli.Commands;

internal static class TokenizerCommand
{
    public static Command Build()
    {
        var command = new Command("tokenizer", "Learn a vocabulary, turn text into tokens and back.");
        command.Add(TokenizerTrainCommand.Build());
        command.Add(Encode());
        command.Add(Decode());
        return command;
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
}

internal sealed record EncodedText(int[] Tokens, string[] Pieces);

internal sealed record DecodedText(string Text);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, NumberHandling = JsonNumberHandling.Strict)]
[JsonSerializable(typeof(EncodedText))]
[JsonSerializable(typeof(DecodedText))]
internal sealed partial class TokenizerCommandJson : JsonSerializerContext;
