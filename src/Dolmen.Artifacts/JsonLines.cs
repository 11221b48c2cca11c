using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;

namespace Dolmen.Artifacts;

/// <summary>
/// The one reader of files of JSON values: one value a line, or one array of values, or values of several lines each; also compressed by
/// gzip or Zstandard. Empty lines are skipped. Every complaint names the file, the line, the key and the rule.
/// </summary>
public static class JsonLines
{
    private const string What = "a file of JSON lines";

    /// <summary>The most bytes of a file that is not one value a line.</summary>
    private const long LargestArrayFile = 1L << 30;

    /// <summary>Values of one type.</summary>
    /// <param name="problem">What else is wrong with a value; null where nothing is.</param>
    /// <exception cref="UserErrorException">The file cannot be read, or a value is not of the type.</exception>
    public static IEnumerable<(T Value, DataPlace Place)> Read<T>(string path, JsonTypeInfo<T> type, Func<T, string?>? problem = null)
    {
        foreach (var (line, value) in Values(path))
        {
            var bound = JsonInput.Bind(value, type, path, line);
            if (problem?.Invoke(bound) is { } wrong)
                throw new UserErrorException($"{path}, line {line}: {wrong}. Correct the line or remove it.");
            yield return (bound, new DataPlace(path, line));
        }
    }

    /// <summary>Objects whose keys the caller looks at. A row lives until the next one is asked for.</summary>
    /// <exception cref="UserErrorException">The file cannot be read, or a value is not an object.</exception>
    public static IEnumerable<JsonRow> Rows(string path)
    {
        foreach (var (line, value) in Values(path))
        {
            using var document = JsonInput.Parse(value, path, line);
            var row = new JsonRow(document.RootElement, path, line);
            row.RequireObject();
            yield return row;
        }
    }

    /// <summary>The bytes of each value and the line it begins in.</summary>
    private static IEnumerable<(long Line, ReadOnlyMemory<byte> Value)> Values(string path)
    {
        using (var file = DataFile.Open(path, What))
        {
            var any = false;
            foreach (var (number, line) in TextLines.Read(file))
            {
                if (line.Span.Trim(" \t\r"u8).IsEmpty) continue;
                if (!any && SpansLines(line.Span)) break;
                if (!any) RequireJson(line.Span, path, number);
                any = true;
                yield return (number, line);
            }
            if (any) yield break;
        }
        using var whole = DataFile.Open(path, What);
        var bytes = JsonInput.WithoutByteOrderMark(whole.ReadAll(LargestArrayFile));
        foreach (var value in Elements(bytes, path)) yield return value;
    }

    /// <summary>Names what the file seems to be where its first line cannot be JSON; of other lines the one check says what is
    /// wrong.</summary>
    private static void RequireJson(ReadOnlySpan<byte> line, string path, long number)
    {
        line = line.Trim(" \t"u8);
        var quoted = line.StartsWith("\""u8) && (line.IndexOf("\","u8) > 0 || line.IndexOf("\"\t"u8) > 0);
        var isJson =
            line[0] is (byte)'{' or (byte)'[' or (byte)'"' or (byte)'-' or (>= (byte)'0' and <= (byte)'9')
            || line.SequenceEqual("null"u8)
            || line.SequenceEqual("true"u8)
            || line.SequenceEqual("false"u8);
        if (isJson && !quoted)
            return;
        if (FileKind.Hint(line) is not null || !Utf8.IsValid(line))
            return;
        var seems =
            line.IndexOf((byte)'\t') >= 0 ? "tab-separated values"
            : line.IndexOf((byte)',') >= 0 ? "CSV"
            : "plain text";
        throw new UserErrorException(
            $"{path}, line {number} is not JSON: the file seems to be {seems}. Convert it to JSON lines, one object a line."
        );
    }

    /// <summary>Whether the first line of a file is only the beginning of a value, or the beginning of an array.</summary>
    private static bool SpansLines(ReadOnlySpan<byte> line)
    {
        if (line.TrimStart(" \t"u8).StartsWith("["u8)) return true;
        try
        {
            var reader = new Utf8JsonReader(
                line,
                isFinalBlock: false,
                new JsonReaderState(new JsonReaderOptions { MaxDepth = JsonInput.MaxDepth })
            );
            var open = 0;
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray) open++;
                else if (reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray) open--;
            }
            return open > 0;
        }
        catch (JsonException)
        {
            return false;                                                // the line is read, and the complaint names it
        }
    }

    private static List<(long Line, ReadOnlyMemory<byte> Value)> Elements(ReadOnlyMemory<byte> bytes, string path)
    {
        var values = new List<(long, ReadOnlyMemory<byte>)>();
        if (bytes.Span.TrimStart(" \t\r\n"u8).IsEmpty) return values;
        var (counted, line) = (0, 1L);
        var reader = new Utf8JsonReader(bytes.Span, new JsonReaderOptions { MaxDepth = JsonInput.MaxDepth, AllowMultipleValues = true });
        try
        {
            while (reader.Read())
            {
                if (reader.CurrentDepth == 0 && reader.TokenType is JsonTokenType.StartArray or JsonTokenType.EndArray) continue;
                var start = (int)reader.TokenStartIndex;
                line += bytes.Span[counted..start].Count((byte)'\n');
                counted = start;
                reader.Skip();
                values.Add((line, bytes[start..(int)reader.BytesConsumed]));
            }
        }
        catch (JsonException error)
        {
            throw new UserErrorException(
                FileKind.Hint(bytes.Span) is { } hint
                    ? $"{path} is not JSON. {hint}"
                    : $"{path} is not valid JSON at line {error.LineNumber + 1}, column {error.BytePositionInLine + 1}: "
                        + $"{JsonProblem.Reason(error)} The value in question begins in line {line}.",
                error
            );
        }
        return values;
    }
}
