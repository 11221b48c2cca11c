using System.Text.Json;

namespace Dolmen.Serving;

/// <param name="Text">What <c>echo</c> repeats.</param>
internal sealed record Prompt(int[] Tokens, string Text);

/// <summary>The field <c>prompt</c>: a string, token ids, or a list of either.</summary>
internal static class TextPrompts
{
    private const string Forms = "a string or an array of token ids";

    public static IReadOnlyList<Prompt> Read(RequestFields fields, ServedModel served)
    {
        if (fields["prompt"] is not { } prompt)
        {
            throw ApiErrorException.Invalid($"'prompt' is missing: it must be {Forms}.", "prompt");
        }
        var begins = fields.Flag("add_special_tokens") ?? true;
        if (prompt.ValueKind == JsonValueKind.String) return [Text(prompt, served, begins)];
        if (prompt.ValueKind != JsonValueKind.Array) throw RequestFields.Wrong("prompt", Forms, prompt);
        if (prompt.GetArrayLength() == 0) throw Empty();
        if (prompt[0].ValueKind is not (JsonValueKind.String or JsonValueKind.Array)) return [Ids(prompt, served)];
        return [.. prompt.EnumerateArray().Select(item => item.ValueKind switch
        {
            JsonValueKind.String => Text(item, served, begins),
            JsonValueKind.Array => Ids(item, served),
            _ => throw RequestFields.Wrong("prompt", "prompts of one kind each, strings or arrays of token ids", item),
        })];
    }

    private static Prompt Text(JsonElement text, ServedModel served, bool begins)
    {
        var prompt = RequestFields.Unicode("prompt", text);
        var tokens = begins ? served.Tokenizer.EncodePrompt(prompt) : served.Tokenizer.Encode(prompt);
        return tokens.Length > 0 ? new Prompt(tokens, prompt)
            : throw ApiErrorException.Invalid("'prompt' has no token: a model needs one to go on from.", "prompt");
    }

    private static Prompt Ids(JsonElement ids, ServedModel served)
    {
        if (ids.GetArrayLength() == 0) throw Empty();
        var size = served.Tokenizer.VocabSize;
        int[] tokens = [.. ids.EnumerateArray().Select(item =>
            item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var id) && id >= 0 && id < size
                ? id : throw RequestFields.Wrong("prompt", $"made of token ids from 0 to {size - 1}", item))];
        return new Prompt(tokens, served.Tokenizer.Decode([.. tokens.Where(token => !served.Tokenizer.IsSpecial(token))]));
    }

    private static ApiErrorException Empty() =>
        ApiErrorException.Invalid("'prompt' is an empty array: it needs at least one token id.", "prompt");
}
