using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Artifacts.Compression;
using Dolmen.Tables;

namespace Dolmen.Data.Sources;

/// <summary>JSON lines with a <c>text</c>, or what <see cref="ReadLimits.TextField"/> names. The other fields may also stand in an object
/// <c>metadata</c>, as datatrove and Dolma write them.</summary>
internal static class JsonRows
{
    public static IEnumerable<SourceRecord> Read(
        InputFile file,
        StoredMembers content,
        ReadLimits limits,
        Funnel funnel,
        CancellationToken stop
    )
    {
        using var stream = new MemberStream(content);
        var lines = new StreamLines(stream, limits.MaxRecordBytes);
        while (lines.Next(stop))
        {
            if (lines.IsTooLong) funnel.Break(file.Name, lines.Number, "record-too-big");
            else if (Row(lines.Line, file, lines.Number, limits.TextField, funnel) is { } record) yield return record;
        }
    }

    private static SourceRecord? Row(ReadOnlySpan<byte> line, InputFile file, long number, string textField, Funnel funnel)
    {
        if (number == 1 && line is [0xEF, 0xBB, 0xBF, ..]) line = line[3..];
        if (line.Trim(" \t\r"u8).Length == 0) return null;
        var stored = line;
        if (!ReplacedBytes.Count(line, file.Name, number, funnel)) line = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(line));
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        bool isChat;
        try
        {
            var reader = new Utf8JsonReader(line, new JsonReaderOptions { MaxDepth = JsonInput.MaxDepth });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return Broken(stored, file, number, funnel);
            isChat = Fields(ref reader, values, textField, isMetadata: false);
            if (reader.Read()) return Broken(stored, file, number, funnel);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return Broken(stored, file, number, funnel);                 // not JSON, or a string that holds half a surrogate pair
        }
        if (values.TryGetValue(RowFields.Text, out var text) && text.Length > 0)
            return RowFields.Record(
                text,
                file,
                number,
                names => names.Select(n => values.GetValueOrDefault(n)).FirstOrDefault(v => v is not null)
            );
        funnel.Drop(isChat ? "conversation-row" : "row-without-text", file.Name, number);
        return null;
    }

    private static SourceRecord? Broken(ReadOnlySpan<byte> line, InputFile file, long number, Funnel funnel)
    {
        var bytes = line.ToArray();
        funnel.Break(file.Name, number, "unparsable-json", () => Explain(bytes, file.Name, number));
        return null;
    }

    private static string Explain(byte[] line, string file, long number)
    {
        var text = Encoding.UTF8.GetString(line).Trim();
        if (number == 1 && text.StartsWith('['))
            return $"{file} begins with a JSON array, and JSON lines hold one object a line: write each element on a line of its own.";
        if (number == 1 && text == "{")
            return $"{file} begins with an object that goes on over several lines, and JSON lines hold one object a line: write each on "
                + $"one line.";
        try
        {
            using var document = JsonInput.Parse(line, file, number);
            return $"{JsonInput.At(file, number)} is JSON of kind {document.RootElement.ValueKind.ToString().ToLowerInvariant()}, and a "
                + $"row must be an object.";
        }
        catch (UserErrorException error)
        {
            return error.Message;
        }
    }

    private static bool Fields(ref Utf8JsonReader reader, Dictionary<string, string> values, string textField, bool isMetadata)
    {
        var isChat = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = Wanted(ref reader, textField);
            isChat |= !isMetadata && reader.ValueTextEquals("messages"u8);
            var isNested = !isMetadata && reader.ValueTextEquals("metadata"u8);
            reader.Read();
            if (isNested && reader.TokenType == JsonTokenType.StartObject)
            {
                Fields(ref reader, values, textField, isMetadata: true);
                continue;
            }
            if (name is not null && (!isMetadata || (name != RowFields.Text && !values.ContainsKey(name))))
            {
                if (reader.TokenType == JsonTokenType.String)
                    values[name] = reader.GetString() ?? "";
                else if (reader.TokenType == JsonTokenType.Number && name != RowFields.Text)
                    values[name] = Encoding.ASCII.GetString(reader.ValueSpan);
            }
            reader.Skip();
        }
        return isChat;
    }

    private static string? Wanted(ref Utf8JsonReader reader, string textField)
    {
        if (reader.ValueTextEquals(textField)) return RowFields.Text;
        foreach (var names in RowFields.Others)
            foreach (var name in names)
                if (reader.ValueTextEquals(name)) return name;
        return null;
    }
}
