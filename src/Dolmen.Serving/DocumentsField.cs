using System.Text.Json;
using Dolmen.Retrieval;

namespace Dolmen.Serving;

/// <summary>The field <c>documents</c> of chats: whether the question is looked up in the model's documents, and how many passages go into
/// the prompt.</summary>
internal static class DocumentsField
{
    public const string Name = "documents";

    private const int MostPassages = 20;

    /// <returns>How many passages, 0 where none are wanted or the model has no documents; and whether the request asks for
    /// them.</returns>
    /// <exception cref="ApiErrorException">The field is wrong, or asks for documents where there are none.</exception>
    public static (int Count, bool IsAsked) Read(RequestFields fields, ServedModel served)
    {
        // Other servers take a list of texts here for their chat templates.
        if (fields[Name] is { ValueKind: JsonValueKind.Array } texts && texts.GetArrayLength() > 0)
        {
            throw ApiErrorException.Invalid(
                $"'{Name}' is a list of texts, which is not supported: put documents into the messages.", Name, "unsupported_parameter");
        }
        var (wanted, count) = fields[Name] switch
        {
            null or { ValueKind: JsonValueKind.Array } => (false, OpenBookPrompt.DefaultPassages),
            { ValueKind: JsonValueKind.False } => (false, 0),
            { ValueKind: JsonValueKind.True } => (true, OpenBookPrompt.DefaultPassages),
            { ValueKind: JsonValueKind.Object } value => (true, Count(value)),
            { } value => throw RequestFields.Wrong(Name, "true, false or {\"count\": N}", value),
        };
        if (served.Documents is not null) return (count, wanted);
        if (!wanted) return (0, false);
        throw ApiErrorException.Invalid(
            $"'{Name}' asks for documents, and the model '{served.Name}' has none here: leave it out, or serve the model with --documents.",
            Name
        );
    }

    private static int Count(JsonElement value)
    {
        foreach (var member in value.EnumerateObject())
        {
            if (member.Name == "count") continue;
            throw ApiErrorException.Invalid($"'{Name}.{member.Name}' is not known: only count is.", Name, "unknown_parameter");
        }
        if (new RequestFields(value)["count"] is not { } count) return OpenBookPrompt.DefaultPassages;
        return count.ValueKind == JsonValueKind.Number && count.TryGetInt32(out var number) && number is >= 1 and <= MostPassages
            ? number
            : throw RequestFields.Wrong($"{Name}.count", $"an integer from 1 to {MostPassages}", count);
    }
}
