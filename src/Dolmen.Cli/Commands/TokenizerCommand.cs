using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Pipeline.Interchange;
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
        command.Add(TokenizerCompareCommand.Build());
        command.Add(TokenizerViewCommand.Build());
        return command;
    }

    private static Command Encode()
    {
        var command = new Command("encode", "Turn text into tokens: how many they are, and their ids.");
        var (tokenizer, json) = (TokenizerOption.One(), CommonOptions.Json());
        var text = new Argument<string?>("text")
        {
            Description = "The text; standard input when left out and no --input is given.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var input = new Option<string?>("--input") { Description = "A UTF-8 file with the text, also .gz or .zst.", HelpName = "FILE" };
        var ids = new Option<bool>("--ids") { Description = "With --json, the ids as well, and where the bytes of each begin." };
        var special = new Option<bool>("--special") { Description = "Names of special tokens in the text become these tokens." };
        command.Add(text);
        command.Add(tokenizer);
        command.Add(input);
        command.Add(ids);
        command.Add(special);
        command.Add(json);
        command.Runs((parsed, _) =>
        {
            var loaded = TokenizerSource.Open(parsed.GetRequiredValue(tokenizer));
            var source = TextArgument.Read(parsed.GetValue(text), parsed.GetValue(input));
            var tokens = loaded.Encode(source, parsed.GetValue(special));
            var detailed = parsed.GetValue(ids);
            Console.Out.WriteLine(parsed.GetValue(json)
                ? JsonSerializer.Serialize(new EncodedText(tokens.Length, Encoding.UTF8.GetByteCount(source), detailed ? tokens : null,
                    detailed ? loaded.Offsets(tokens) : null), TokenizerCommandJson.Default.EncodedText)
                : string.Join(' ', tokens));
        });
        return command;
    }

    private static Command Decode()
    {
        var command = new Command("decode", "Turn token ids into text.");
        var (tokenizer, json) = (TokenizerOption.One(), CommonOptions.Json());
        var arguments = new Argument<string[]>("id") { Description = "Token ids.", Arity = ArgumentArity.ZeroOrMore };
        var list = new Option<string?>("--ids") { Description = "Token ids with commas between them.", HelpName = "1,2,3" };
        command.Add(arguments);
        command.Add(tokenizer);
        command.Add(list);
        command.Add(json);
        command.Runs((parsed, _) =>
        {
            var loaded = TokenizerSource.Open(parsed.GetRequiredValue(tokenizer));
            var tokens = Ids([.. parsed.GetValue(arguments) ?? [], parsed.GetValue(list) ?? ""], loaded);
            var text = loaded.Decode(tokens);
            Console.Out.WriteLine(parsed.GetValue(json)
                ? JsonSerializer.Serialize(new DecodedText(text), TokenizerCommandJson.Default.DecodedText)
                : text);
        });
        return command;
    }

    private static int[] Ids(IEnumerable<string> texts, Tokenizer tokenizer)
    {
        var tokens = new List<int>();
        foreach (
            var text in texts.SelectMany(text =>
                text.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            )
        )
        {
            if (
                !int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var token)
                || token < 0
                || token >= tokenizer.VocabSize
            )
                throw new UserErrorException($"{text} is not a token of this vocabulary: its ids run from 0 to {tokenizer.VocabSize - 1}.");
            if (!tokenizer.IsUsed(token))
                throw new UserErrorException($"{text} is not a token of this vocabulary: the id lies in it and is not used.");
            tokens.Add(token);
        }
        return tokens.Count > 0 ? [.. tokens] : throw new UserErrorException("No token ids: give them as arguments or as --ids 1,2,3.");
    }
}

/// <param name="Tokens">How many.</param>
/// <param name="Bytes">Of the text in UTF-8.</param>
internal sealed record EncodedText(int Tokens, int Bytes, int[]? Ids, int[]? Offsets);

internal sealed record DecodedText(string Text);

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.Strict
)]
[JsonSerializable(typeof(EncodedText))]
[JsonSerializable(typeof(DecodedText))]
internal sealed partial class TokenizerCommandJson : JsonSerializerContext;
