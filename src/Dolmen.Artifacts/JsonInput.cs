using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;

namespace Dolmen.Artifacts;

/// <summary>
/// The one way in which JSON that others wrote is read. A byte-order mark is skipped; the bytes must be UTF-8; objects and arrays nest at
/// most <see cref="MaxDepth"/> deep; names and values must not hold half a surrogate pair. Every complaint names the file, the line, the
/// rule, and what the file seems to be where that is recognised.
/// </summary>
public static class JsonInput
{
    public const int MaxDepth = 64;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = MaxDepth };

    private static readonly JsonDocumentOptions Lenient =
        new() { MaxDepth = MaxDepth, CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <param name="source">The file's name, or what the text is, for messages.</param>
    /// <param name="line">The number of the line, from 1, where the JSON is one line of a file; null where it is a whole document.</param>
    /// <param name="comments">Comments and trailing commas are skipped, as in recipes.</param>
    /// <exception cref="UserErrorException">The bytes are not JSON by the rules above.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> utf8, string source, long? line = null, bool comments = false)
    {
        utf8 = Checked(utf8, source, line, comments);
        try
        {
            return JsonDocument.Parse(utf8, comments ? Lenient : Strict);
        }
        catch (JsonException error)
        {
            throw Malformed(error, utf8.Span, source, line);
        }
    }

    /// <summary>The value of type <typeparamref name="T"/> that the JSON is; a wrong or missing key is named with the rule it
    /// breaks.</summary>
    /// <exception cref="UserErrorException">Not JSON, or not of that type.</exception>
    public static T Bind<T>(ReadOnlyMemory<byte> utf8, JsonTypeInfo<T> type, string source, long? line = null)
    {
        utf8 = Checked(utf8, source, line);
        try
        {
            return JsonSerializer.Deserialize(utf8.Span, type)
                ?? throw new UserErrorException($"{At(source, line)} is null: it must be {JsonProblem.Kind(type)}.");
        }
        catch (JsonException error)
        {
            using var document = JsonDocument.Parse(utf8, Strict);
            throw new UserErrorException($"{At(source, line)}: {JsonProblem.Explain(error, document.RootElement, type)}.", error);
        }
    }

    /// <exception cref="UserErrorException">Longer than <paramref name="largest"/> bytes, or not JSON.</exception>
    public static JsonDocument ReadFile(string path, long largest)
    {
        var bytes = new FileInfo(path).Length;
        return bytes <= largest ? Parse(RegularFile.ReadAllBytes(path), path)
            : throw new UserErrorException($"{path} has {bytes} bytes: Dolmen reads at most {largest} of such a file.");
    }

    public static ReadOnlyMemory<byte> WithoutByteOrderMark(ReadOnlyMemory<byte> utf8) =>
        utf8.Span.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;

    /// <summary>"FILE" or "FILE, line N".</summary>
    public static string At(string source, long? line) => line is { } number ? $"{source}, line {number}" : source;

    /// <summary>The same bytes without a byte-order mark, after all the rules above were checked.</summary>
    /// <exception cref="UserErrorException">One of the rules is broken.</exception>
    public static ReadOnlyMemory<byte> Checked(ReadOnlyMemory<byte> utf8, string source, long? line = null, bool comments = false)
    {
        utf8 = WithoutByteOrderMark(utf8);
        var bytes = utf8.Span;
        if (!Utf8.IsValid(bytes))
        {
            throw new UserErrorException(FileKind.Hint(bytes) is { } hint
                ? $"{At(source, line)} is not JSON. {hint}"
                : $"{At(source, line ?? LineOfFirstInvalid(bytes))} is not valid UTF-8 (byte 0x{bytes[FirstInvalid(bytes)]:X2}): "
                    + "JSON is UTF-8. Save the file as UTF-8.");
        }
        if (bytes.TrimStart(" \t\r\n"u8).IsEmpty) throw new UserErrorException($"{At(source, line)} is empty: it must hold JSON.");
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions
        {
            MaxDepth = MaxDepth,
            CommentHandling = comments ? JsonCommentHandling.Skip : JsonCommentHandling.Disallow,
            AllowTrailingCommas = comments,
        });
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
                    RefuseHalfPairs(ref reader);
            }
        }
        catch (JsonException error)
        {
            throw Malformed(error, bytes, source, line);
        }
        catch (InvalidOperationException error)
        {
            var at = line ?? 1 + bytes[..(int)reader.TokenStartIndex].Count((byte)'\n');
            throw new UserErrorException(
                $"{At(source, at)} has a {(reader.TokenType == JsonTokenType.PropertyName ? "name" : "string")} "
                    + "with half a surrogate pair (\\uD800 to \\uDFFF alone): that is not a character. Write the pair whole, or leave it "
                    + "out.",
                error
            );
        }
        return utf8;
    }

    private static void RefuseHalfPairs(ref Utf8JsonReader reader) => reader.GetString();

    private static UserErrorException Malformed(JsonException error, ReadOnlySpan<byte> bytes, string source, long? line)
    {
        var reason = JsonProblem.Reason(error);
        if (reason.Contains("maximum configured depth", StringComparison.Ordinal))
        {
            reason = $"objects and arrays nest more than {MaxDepth} deep, and Dolmen reads at most that.";
        }
        var place = line is { } number ? $"{source} is not valid JSON at line {number}, column {error.BytePositionInLine + 1}"
            : $"{source} is not valid JSON at line {error.LineNumber + 1}, column {error.BytePositionInLine + 1}";
        return new UserErrorException(
            FileKind.Hint(bytes) is { } hint ? $"{At(source, line)} is not JSON. {hint}" : $"{place}: {reason}",
            error
        );
    }

    private static int LineOfFirstInvalid(ReadOnlySpan<byte> bytes) => 1 + bytes[..FirstInvalid(bytes)].Count((byte)'\n');

    private static int FirstInvalid(ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < bytes.Length;)
        {
            if (System.Text.Rune.DecodeFromUtf8(bytes[i..], out _, out var length) != System.Buffers.OperationStatus.Done) return i;
            i += length;
        }
        return bytes.Length - 1;
    }
}
