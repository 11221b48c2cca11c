using System.Text.Json;

namespace Dolmen.Tests.Serving;

/// <summary>Answers held to a form, in the fields that clients of OpenAI, vLLM and llama.cpp send. The model would go on with the letter
/// after the last one, and finds all others equally likely.</summary>
public class Forms
{
    private const string Schema =
        """{"type":"object","properties":{"name":{"enum":["mno","b"]},"ok":{"type":"boolean"}},"required":["name","ok"],"additionalProperties":false}""";

    [Theory]
    [InlineData("""{"response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":SCHEMA}}}""")]
    [InlineData("""{"response_format":{"type":"json_object","schema":SCHEMA}}""")]
    [InlineData("""{"structured_outputs":{"json":SCHEMA}}""")]
    [InlineData("""{"guided_json":SCHEMA}""")]
    [InlineData("""{"json_schema":SCHEMA}""")]
    public async Task A_schema_is_held_wherever_it_stands(string fields)
    {
        await using var server = await RunningServer.Start();
        foreach (var (path, prompt) in (IEnumerable<(string, string)>)[("completions", "\"prompt\":\"a\""), ("chat/completions", Messages)])
        {
            var request = $"{{{prompt},\"max_tokens\":60,\"temperature\":1,\"seed\":3,\"n\":3,{fields.Replace("SCHEMA", Schema)[1..]}";
            var (status, body) = await server.Post($"/v1/{path}", request);
            Assert.True((int)status == 200, body);
            using var document = JsonDocument.Parse(body);
            foreach (var choice in document.RootElement.GetProperty("choices").EnumerateArray())
            {
                var text = choice.TryGetProperty("text", out var plain) ? plain.GetString()!
                    : choice.GetProperty("message").GetProperty("content").GetString()!;
                var value = JsonElement.Parse(text);
                Assert.Equal(["name", "ok"], value.EnumerateObject().Select(member => member.Name));
                Assert.Contains(value.GetProperty("name").GetString(), (string[])["mno", "b"]);
                Assert.Contains(value.GetProperty("ok").ValueKind, (JsonValueKind[])[JsonValueKind.True, JsonValueKind.False]);
                Assert.Equal("stop", choice.GetProperty("finish_reason").GetString());
            }
        }
    }

    [Theory]
    [InlineData("\"response_format\":{\"type\":\"text\"}", "bcd", "length")]
    [InlineData("\"guided_choice\":[\"xyz\",\"bd\"]", "bd", "stop")]
    [InlineData("\"structured_outputs\":{\"choice\":[\"xyz\"]}", "xyz", "stop")]
    [InlineData("\"guided_regex\":\"[b-c]+\"", "bcb", "length")]
    [InlineData("\"grammar\":\"root ::= \\\"z\\\"{2}\"", "zz", "stop")]
    [InlineData("\"guided_grammar\":\"root ::= [x-z]\"", "x", "stop")]
    public async Task The_likeliest_text_of_the_form_is_the_answer(string field, string expected, string reason)
    {
        await using var server = await RunningServer.Start();
        var (_, body) = await server.Post("/v1/completions", $"{{\"prompt\":\"a\",\"temperature\":0,\"max_tokens\":3,{field}}}");
        Assert.Contains($"\"text\":\"{expected}\"", body, StringComparison.Ordinal);
        Assert.Contains($"\"finish_reason\":\"{reason}\"", body, StringComparison.Ordinal);
    }

    private const string Messages = "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]";
}
