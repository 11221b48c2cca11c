using System.Text.Json;

namespace Dolmen.Tokenization;

/// <summary>The tokens that bound a text as tokenizer.json's post-processor.</summary>
internal static class TemplateJson
{
    public static void Write(Utf8JsonWriter json, IReadOnlyList<int> before, IReadOnlyList<int> after, Func<int, string> name)
    {
        json.WriteStartObject("post_processor");
        json.WriteString("type", "TemplateProcessing");
        foreach (var (member, sequences) in (ReadOnlySpan<(string, string[])>)[("single", ["A"]), ("pair", ["A", "B"])])
        {
            json.WriteStartArray(member);
            for (var i = 0; i < sequences.Length; i++)
            {
                foreach (var id in before) WritePart(json, "SpecialToken", name(id), i);
                WritePart(json, "Sequence", sequences[i], i);
                foreach (var id in after) WritePart(json, "SpecialToken", name(id), i);
            }
            json.WriteEndArray();
        }
        json.WriteStartObject("special_tokens");
        foreach (var id in before.Concat(after).Distinct().Order())
        {
            json.WriteStartObject(name(id));
            json.WriteString("id", name(id));
            json.WriteStartArray("ids");
            json.WriteNumberValue(id);
            json.WriteEndArray();
            json.WriteStartArray("tokens");
            json.WriteStringValue(name(id));
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WritePart(Utf8JsonWriter json, string kind, string id, int type)
    {
        json.WriteStartObject();
        json.WriteStartObject(kind);
        json.WriteString("id", id);
        json.WriteNumber("type_id", type);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
