using System.Text.Json;
using Dolmen.Data.Inputs;

namespace Dolmen.Data.Readers;

/// <summary>Rows with a <c>text</c>, each a document of its own. Chats have no text of that kind and are left to alignment.</summary>
internal static class JsonLinesReader
{
    public static List<Entry> Read(InputFile file, Funnel funnel)
    {
        var entries = new List<Entry>();
        BoundedLines.ForEach(file, (number, line) =>
        {
            var json = BoundedText.Decode(line, funnel);
            if (string.IsNullOrWhiteSpace(json)) return;
            if (TextOf(json) is { } text) entries.AddRange(Passages.Cut(text, $"{Path.GetFileName(file.Name)}:{number}", $"{file.Name}:{number}", funnel));
        });
        return entries;

        string? TextOf(string json)
        {
            try
            {
                using var row = JsonDocument.Parse(json);
                if (row.RootElement.ValueKind == JsonValueKind.Object)
                {
                    if (row.RootElement.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String) return text.GetString();
                    funnel.Drop(row.RootElement.TryGetProperty("messages", out _) ? "conversation-row" : "row-without-text");
                    return null;
                }
            }
            catch (Exception error) when (error is JsonException or InvalidOperationException)
            {
                // Counted below: not JSON, or a string that holds half a surrogate pair.
            }
            funnel.Drop("unparsable-json");
            return null;
        }
    }
}
