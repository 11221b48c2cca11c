using System.Text;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;

namespace Dolmen.Tests.Artifacts;

public sealed record JsonTurn(string Role, string Content);

public sealed record JsonTalk(IReadOnlyList<JsonTurn> Messages, int? Count = null, Dictionary<string, double>? Weights = null);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(JsonTalk))]
public sealed partial class JsonTalkContext : JsonSerializerContext;

public sealed class JsonInputTests
{
    [Fact]
    public void A_byte_order_mark_is_skipped()
    {
        using var document = JsonInput.Parse(Encoding.UTF8.GetBytes("\uFEFF{\"a\": 1}"), "f.json");
        Assert.Equal(1, document.RootElement.GetProperty("a").GetInt32());
    }

    [Theory]
    [InlineData("{\"a\": \"\\ud800\"}", "f.json, line 1 has a string with half a surrogate pair")]
    [InlineData("{\n\"\\udc00\": 1}", "f.json, line 2 has a name with half a surrogate pair")]
    [InlineData("{\"a\": {\"b\": [{\"\\ud83d\": 1}]}}", "f.json, line 1 has a name with half a surrogate pair")]
    [InlineData("{\"a\": 1,}", "f.json is not valid JSON at line 1, column 9: ")]
    [InlineData("{\n \"a\" 1}", "f.json is not valid JSON at line 2, column 6: ")]
    [InlineData("", "f.json is empty: it must hold JSON.")]
    [InlineData(" \n\t", "f.json is empty: it must hold JSON.")]
    [InlineData("<!DOCTYPE html><p>", "f.json is not JSON. It seems to be an HTML page")]
    [InlineData("PAR1abc", "f.json is not JSON. It seems to be a Parquet file: convert it")]
    [InlineData("version https://git-lfs.github.com/spec/v1\n", "f.json is not JSON. It is a Git LFS pointer")]
    public void What_is_not_JSON_is_refused_with_place_and_rule(string text, string message) =>
        Assert.StartsWith(message, Refusal(Encoding.UTF8.GetBytes(text)), StringComparison.Ordinal);

    [Fact]
    public void Bytes_that_are_not_UTF_8_are_refused_with_their_line()
    {
        Assert.StartsWith("f.json, line 2 is not valid UTF-8 (byte 0xE9): ", Refusal([.. "{\n\"a\": \"caf"u8, 0xE9, .. "\"}"u8]));
        Assert.StartsWith("f.json is not JSON. It seems to be a gzip file: decompress it", Refusal([0x1F, 0x8B, 8, 0, 0xFF]));
        Assert.StartsWith(
            "f.json is not JSON. It seems to be UTF-16 text: save it as UTF-8.",
            Refusal(Encoding.Unicode.GetBytes("\uFEFF{}"))
        );
        Assert.StartsWith("f.json is not JSON. It seems to be UTF-16 text", Refusal(Encoding.Unicode.GetBytes("{\"a\":1}")));
    }

    [Theory]
    [InlineData(64, true)]
    [InlineData(65, false)]
    public void Sixty_four_levels_are_read_and_one_more_is_refused(int depth, bool read)
    {
        var bytes = Encoding.UTF8.GetBytes(new string('[', depth) + new string(']', depth));
        if (read) JsonInput.Parse(bytes, "f.json").Dispose();
        else Assert.Contains("objects and arrays nest more than 64 deep, and Dolmen reads at most that.", Refusal(bytes));
    }

    [Fact]
    public void A_line_of_a_file_is_named_by_its_number()
    {
        var error = Assert.Throws<UserErrorException>(() => JsonInput.Parse("{]"u8.ToArray(), "f.jsonl", line: 7));
        Assert.StartsWith("f.jsonl is not valid JSON at line 7, column 2: ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user"}]}""", "f.jsonl, line 3: messages[0].content is missing: the format needs it.")]
    [InlineData("""{"messages":[{}]}""", "f.jsonl, line 3: messages[0].role, messages[0].content are missing: the format needs them.")]
    [InlineData("{}", "f.jsonl, line 3: messages is missing: the format needs it.")]
    [InlineData("""{"messages":[{"role":"user","content":5}]}""", "f.jsonl, line 3: messages[0].content is 5: it must be a string.")]
    [InlineData("""{"messages":[{"role":"user","content":null}]}""", "f.jsonl, line 3: messages[0].content is null: it must be a string.")]
    [InlineData("""{"messages":{"role":"user"}}""", """f.jsonl, line 3: messages is {"role":"user"}: it must be a list.""")]
    [InlineData("""{"messages":[],"count":"x"}""", """f.jsonl, line 3: count is "x": it must be a whole number.""")]
    [InlineData("""{"messages":[],"weights":{"odd name":[]}}""", "f.jsonl, line 3: weights.odd name is []: it must be a number.")]
    [InlineData("[]", "f.jsonl, line 3: it is []: it must be an object.")]
    [InlineData("null", "f.jsonl, line 3 is null: it must be an object.")]
    public void A_value_of_the_wrong_type_is_named_by_its_key_without_names_of_this_program(string json, string message)
    {
        var error = Assert.Throws<UserErrorException>(
            () => JsonInput.Bind(Encoding.UTF8.GetBytes(json), JsonTalkContext.Default.JsonTalk, "f.jsonl", line: 3));
        Assert.Equal(message, error.Message);
    }

    private static string Refusal(byte[] bytes) => Assert.Throws<UserErrorException>(() => JsonInput.Parse(bytes, "f.json")).Message;
}
