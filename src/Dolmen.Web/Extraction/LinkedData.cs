using System.Text;
using System.Text.Json;

namespace Dolmen.Web.Extraction;

/// <summary>What a page says about itself in JSON-LD (schema.org): of the first thing that has a date or a headline.</summary>
internal readonly record struct LinkedData(string Headline, string Published, string Author)
{
    private const int MaxChars = 1 << 18;
    private const int MaxThings = 1000;

    private static readonly JsonDocumentOptions Lenient = new()
    {
        AllowTrailingCommas = true,
        CommentHandling = JsonCommentHandling.Skip,
        MaxDepth = 32,
    };

    private bool IsEmpty => Headline is not { Length: > 0 } && Published is not { Length: > 0 };

    public static LinkedData Read(ReadOnlySpan<char> script)
    {
        if (script.Length > MaxChars || (script.IndexOf("\"headline\"") < 0 && script.IndexOf("\"datePublished\"") < 0)) return default;
        try
        {
            var bytes = new byte[Encoding.UTF8.GetMaxByteCount(script.Length)];
            // Half a surrogate pair becomes U+FFFD here; the parser's own conversion would refuse it.
            using var json = JsonDocument.Parse(bytes.AsMemory(0, Encoding.UTF8.GetBytes(script, bytes)), Lenient);
            var seen = 0;
            return Find(json.RootElement, ref seen);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return default;                                              // not JSON, or an escape that is half a surrogate pair
        }
    }

    private static LinkedData Find(JsonElement element, ref int seen)
    {
        if (++seen > MaxThings) return default;
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray())
                if (Find(item, ref seen) is { IsEmpty: false } found) return found;
            return default;
        }
        if (element.ValueKind != JsonValueKind.Object) return default;
        var (headline, published) = (Text(element, "headline"), Text(element, "datePublished"));
        if (headline.Length > 0 || published.Length > 0) return new(headline, published, AuthorOf(element));
        foreach (var name in (ReadOnlySpan<string>)["@graph", "mainEntity", "mainEntityOfPage"])
            if (element.TryGetProperty(name, out var below) && Find(below, ref seen) is { IsEmpty: false } found) return found;
        return default;
    }

    private static string AuthorOf(JsonElement thing)
    {
        if (!thing.TryGetProperty("author", out var author))
            return "";
        if (author.ValueKind == JsonValueKind.Array)
            author = author.EnumerateArray().FirstOrDefault();
        return author.ValueKind == JsonValueKind.String ? author.GetString() ?? ""
            : author.ValueKind == JsonValueKind.Object ? Text(author, "name")
            : "";
    }

    private static string Text(JsonElement thing, string name) =>
        thing.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() ?? "" : "";
}
