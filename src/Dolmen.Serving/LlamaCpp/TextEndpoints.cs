using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Dolmen.Serving.Tools;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Dolmen.Serving.LlamaCpp;

/// <summary>llama.cpp's endpoints over a model's tokenizer and chat template: the model itself computes nothing.</summary>
internal sealed class TextEndpoints(ModelCatalog catalog)
{
    public void Map(WebApplication app)
    {
        app.MapPost("/tokenize", http => Answer(http, Tokenize, ServingJson.Plain.TokenList));
        app.MapPost("/detokenize", http => Answer(http, Detokenize, ServingJson.Plain.DetokenizedText));
        app.MapPost("/apply-template", http => Answer(http, ApplyTemplate, ServingJson.Plain.AppliedTemplate));
    }

    private async Task Answer<T>(HttpContext http, Func<JsonElement, ServedModel, T> read, JsonTypeInfo<T> type)
    {
        using var request = await ModelRequest.Read(http, catalog);
        await HttpAnswers.Json(http, request.As(read), type);
    }

    private static TokenList Tokenize(JsonElement body, ServedModel served)
    {
        RequestTable.Check(body, "content", "add_special", "parse_special", "with_pieces", "model");
        var (fields, tokenizer) = (new RequestFields(body), served.Tokenizer);
        var (frames, parses) = (fields.Flag("add_special") ?? false, fields.Flag("parse_special") ?? true);
        const string form = "a string, or an array of strings and token ids";
        var content = fields["content"] ?? throw ApiErrorException.Invalid($"'content' is missing: it must be {form}.", "content");
        if (content.ValueKind is not (JsonValueKind.String or JsonValueKind.Array)) throw RequestFields.Wrong("content", form, content);
        List<int> tokens = frames ? [.. tokenizer.Before] : [];
        foreach (var part in content.ValueKind == JsonValueKind.Array ? [.. content.EnumerateArray()] : (JsonElement[])[content])
        {
            if (part.ValueKind == JsonValueKind.String) tokenizer.Encode(RequestFields.Unicode("content", part), tokens, parses);
            else tokens.Add(Id(part, "content", form, served));
        }
        if (frames) tokens.AddRange(tokenizer.After);
        var names = new TokenReport(tokenizer, showSpecial: true);
        return new TokenList(fields.Flag("with_pieces") is true
            ? [.. tokens.Select(token => JsonSerializer.SerializeToNode(new TokenPiece(token, Piece(names, token)),
                ServingJson.Plain.TokenPiece))]
            : [.. tokens.Select(token => (JsonNode)token)]);
    }

    private static JsonNode Piece(TokenReport names, int token) =>
        names.TextOf(token) is { } text ? text : new JsonArray([.. names.BytesOf(token).Select(value => (JsonNode)value)]);

    private static DetokenizedText Detokenize(JsonElement body, ServedModel served)
    {
        RequestTable.Check(body, "tokens", "model");
        const string form = "an array of token ids";
        var tokens = new RequestFields(body)["tokens"]
            ?? throw ApiErrorException.Invalid($"'tokens' is missing: it must be {form}.", "tokens");
        if (tokens.ValueKind != JsonValueKind.Array) throw RequestFields.Wrong("tokens", form, tokens);
        return new DetokenizedText(served.Tokenizer.Decode([.. tokens.EnumerateArray().Select(item => Id(item, "tokens", form, served))]));
    }

    /// <summary>A request to <c>/v1/chat/completions</c>, of which only the prompt is wanted.</summary>
    private static AppliedTemplate ApplyTemplate(JsonElement body, ServedModel served)
    {
        RequestTable.Check(body, Endpoints.Chat);
        var fields = new RequestFields(body);
        var (prompt, _) = OpenBookChat.Read(fields, served, ToolField.Read(fields, served), withText: true);
        return new AppliedTemplate(prompt.Text, prompt.Tokens);
    }

    private static int Id(JsonElement item, string name, string form, ServedModel served)
    {
        if (item.ValueKind != JsonValueKind.Number) throw RequestFields.Wrong(name, form, item);
        return item.TryGetInt32(out var id) && id >= 0 && id < served.Tokenizer.VocabSize ? id
            : throw RequestFields.Wrong(name, $"made of token ids from 0 to {served.Tokenizer.VocabSize - 1}", item);
    }
}
