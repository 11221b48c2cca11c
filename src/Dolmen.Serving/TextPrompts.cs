using System.Text.Json;

namespace Dolmen.Serving;

/// <param name="Text">What <c>echo</c> repeats.</param>
internal sealed record Prompt(int[] Tokens, string Text);

/// <summary>The field <c>prompt</c>, or another of its form: a string, token ids, or a list of either.</summary>
internal static class TextPrompts
{
    private const string Forms = "a string or an array of token ids";

    /// <param name="name">The field.</param>
    /// <param name="closes">A text is complete, so the ids that close one belong to it where the vocabulary has such.</param>
    public static IReadOnlyList<Prompt> Read(RequestFields fields, ServedModel served, string name = "prompt", bool closes = false)
    {
        if (fields[name] is not { } prompt) throw ApiErrorException.Invalid($"'{name}' is missing: it must be {Forms}.", name);
        var special = fields.Flag("add_special_tokens") ?? true;
        if (prompt.ValueKind == JsonValueKind.String) return [Text(prompt)];
        if (prompt.ValueKind != JsonValueKind.Array) throw RequestFields.Wrong(name, Forms, prompt);
        if (prompt.GetArrayLength() == 0) throw Empty(name);
        if (prompt[0].ValueKind is not (JsonValueKind.String or JsonValueKind.Array)) return [Ids(name, prompt, served)];
        return [.. prompt.EnumerateArray().Select(item => item.ValueKind switch
        {
            JsonValueKind.String => Text(item),
            JsonValueKind.Array => Ids(name, item, served),
            _ => throw RequestFields.Wrong(name, $"{name}s of one kind each, strings or arrays of token ids", item),
        })];

        Prompt Text(JsonElement item)
        {
            var text = RequestFields.Unicode(name, item);
            var tokens = special ? served.Tokenizer.EncodePrompt(text) : served.Tokenizer.Encode(text);
            if (special && closes) tokens = [.. tokens, .. served.Tokenizer.After];
            return tokens.Length > 0 ? new Prompt(tokens, text)
                : throw ApiErrorException.Invalid($"'{name}' has no token: a model needs one to go on from.", name);
        }
    }

    private static Prompt Ids(string name, JsonElement ids, ServedModel served)
    {
        if (ids.GetArrayLength() == 0) throw Empty(name);
        var size = served.Tokenizer.VocabSize;
        int[] tokens = [.. ids.EnumerateArray().Select(item =>
            item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var id) && id >= 0 && id < size
                ? id : throw RequestFields.Wrong(name, $"made of token ids from 0 to {size - 1}", item))];
        return new Prompt(tokens, served.Tokenizer.Decode([.. tokens.Where(token => !served.Tokenizer.IsSpecial(token))]));
    }

    private static ApiErrorException Empty(string name) =>
        ApiErrorException.Invalid($"'{name}' is an empty array: it needs at least one token id.", name);
}
