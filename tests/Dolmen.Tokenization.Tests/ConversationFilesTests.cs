using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class ConversationFilesTests
{
    [Theory]
    // OpenAI's messages
    [InlineData(
        """{"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"},{"role":"assistant","content":"a"}]}""",
        "system:s user:u assistant!:a"
    )]
    [InlineData("""{"messages":[{"role":"developer","content":"s"},{"role":"assistant","content":"a"}]}""", "system:s assistant!:a")]
    [InlineData(
        """{"messages":[{"role":"user","content":[{"type":"text","text":"u"},{"type":"text","text":"v"}]},{"role":"assistant","content":"a"}]}""",
        "user:uv assistant!:a"
    )]
    [InlineData(
        """{"messages":[{"role":"user","content":"u"},{"role":"assistant","content":null,"refusal":"No."}]}""",
        "user:u assistant!:No."
    )]
    [InlineData(
        """{"messages":[{"role":"user","content":"u"},{"role":"assistant","content":"a","weight":0},{"role":"assistant","content":"b","weight":1}]}""",
        "user:u assistant:a assistant!:b"
    )]
    [InlineData(
        """{"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"42"}]}""",
        """assistant!:{"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]} tool:42{"tool_call_id":"c"}"""
    )]
    [InlineData(
        """{"messages":[{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"42"}]}""",
        """assistant!:{"tool_calls":[{"type":"function","function":{"name":"f","arguments":"{}"}}]} tool:42{"name":"f"}"""
    )]
    [InlineData("""{"messages":[{"role":"User","content":"u"},{"role":"ASSISTANT","content":"a"}]}""", "user:u assistant!:a")]
    [InlineData("""{"messages":[]}""", "")]
    // ShareGPT's conversations
    [InlineData(
        """{"conversations":[{"from":"human","value":"u"},{"from":"gpt","value":"a"}],"system":"s"}""",
        "system:s user:u assistant!:a"
    )]
    [InlineData("""{"messages":[{"from":"human","value":"u"},{"from":"gpt","value":"a"}]}""", "user:u assistant!:a")]
    [InlineData("""{"conversations":[{"role":"user","content":"u"},{"role":"assistant","content":"a"}]}""", "user:u assistant!:a")]
    [InlineData(
        """{"conversations":[{"from":"function_call","value":"{\"name\":\"f\",\"arguments\":{\"x\":1}}"},{"from":"observation","value":"42"}]}""",
        """assistant!:{"tool_calls":[{"type":"function","function":{"name":"f","arguments":{"x":1}}}]} tool:42"""
    )]
    // Alpaca's instruction
    [InlineData("""{"instruction":"i","input":"","output":"a"}""", "user:i assistant!:a")]
    [InlineData(
        """{"instruction":"i","input":"x","output":"a","system":"s","history":[["q","r"]]}""",
        "system:s user:q assistant!:r user:i\nx assistant!:a"
    )]
    // TRL's prompt and completion
    [InlineData("""{"prompt":"The sky is","completion":" blue."}""", "[The sky is| blue.]")]
    [InlineData(
        """{"prompt":[{"role":"user","content":"u"},{"role":"assistant","content":"b"},{"role":"user","content":"v"}],"completion":[{"role":"assistant","content":"a"}]}""",
        "user:u assistant:b user:v assistant!:a"
    )]
    public void The_formats_of_the_field_are_read(string row, string expected) =>
        Assert.Equal(expected, Shown(Assert.Single(Read(row, out _))));

    [Theory]
    [InlineData("""{"messages":[{"role":"narrator","content":"x"}]}""", "messages[0].role is \"narrator\"")]
    [InlineData("""{"messages":[{"role":"","content":"x"}]}""", "messages[0].role is \"\"")]
    [InlineData("""{"messages":[{"role":null,"content":"x"}]}""", "messages[0].role is null")]
    [InlineData("""{"messages":[{"role":3,"content":"x"}]}""", "messages[0].role is 3: it must be a string")]
    [InlineData("""{"messages":[{"content":"x"}]}""", "messages[0] has neither \"role\" and \"content\" nor \"from\" and \"value\"")]
    [InlineData("""{"messages":[{"role":"user","content":"u"},{"role":"assistant"}]}""", "messages[1].content is missing")]
    [InlineData("""{"messages":[{"role":"user","content":"u"},{"role":"assistant","content":null}]}""", "messages[1].content is null")]
    [InlineData("""{"messages":[{"role":"user","content":null}]}""", "messages[0].content is null")]
    [InlineData("""{"messages":[{"role":"assistant","content":5}]}""", "messages[0].content is 5: it must be a string")]
    [InlineData(
        """{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]}""",
        "messages[0].content[0] is of type \"image_url\""
    )]
    [InlineData("""{"messages":[{"role":"assistant","content":"a","weight":0.5}]}""", "messages[0].weight is 0.5: it must be 0 or 1")]
    [InlineData("""{"messages":"hello"}""", "messages is \"hello\": it must be a list")]
    [InlineData("""{"messages":["hello"]}""", "messages[0] is \"hello\": it must be an object")]
    [InlineData("""{"messages":[{"role":"user","content":"a","content":"b"}]}""", "messages[0] has the key \"content\" twice")]
    [InlineData("""{"messages":null}""", "its messages is null")]
    [InlineData("""{"conversations":[{"from":"human","value":null}]}""", "conversations[0].value is missing or null")]
    [InlineData("""{"conversations":[{"from":"function_call","value":"f()"}]}""", "conversations[0].value")]
    [InlineData("""{"instruction":"i","output":"a","history":[["q"]]}""", "history[0] is not a pair")]
    [InlineData("""{"prompt":"p","chosen":"c","rejected":"r"}""", "'align dpo' reads")]
    [InlineData("""{"text":"t"}""", "it seems to be a plain text")]
    [InlineData("""[[{"role":"user","content":"u"}]]""", "the row is a list: it must be an object")]
    [InlineData("""[{"role":"user","content":"u"}]""", "it seems to be one turn of a conversation")]
    [InlineData("""{"foo":1}""", "its keys are \"foo\"")]
    public void A_row_in_none_of_them_is_named_by_file_line_key_and_rule(string row, string message)
    {
        using var folder = new Samples.Folder();
        const string Good = """{"messages":[{"role":"user","content":"u"},{"role":"assistant","content":"a"}]}""";
        var isArray = row.StartsWith('[');
        File.WriteAllText(folder.File("a.jsonl"), isArray ? row : $"{Good}\n{row}\n");
        var error = Assert.Throws<UserErrorException>(() =>
            ConversationFiles.Read(folder.File("a.jsonl"), new DataTally("conversations")).Count()
        );
        Assert.Contains($"a.jsonl, line {(isArray ? 1 : 2)}: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_renamed_or_not_read_is_counted()
    {
        Read(
            """{"messages":[{"role":"human","content":"u"},{"role":"assistant","content":null,"refusal":"No."}],"id":7}""",
            out var counts
        );
        Assert.Equal(["key-not-read: id", "role-renamed", "refusal-read-as-content"], counts.Noted.Select(note => note.Reason));
        Assert.All(counts.Noted, note => Assert.Equal((1, "a.jsonl, line 1"), (note.Count, note.First)));
        Read("""{"conversations":[{"from":"human","value":"u"},{"from":"gpt","value":"a"}]}""", out counts);
        Assert.Empty(counts.Noted);
    }

    internal static string Shown(TrainingConversation example) =>
        example.Text is { } text
            ? $"[{text.Prompt}|{text.Completion}]"
            : string.Join(
                ' ',
                example.Turns.Select(turn => $"{turn.Role}{(turn.Learned ? "!" : "")}:{turn.Content}{turn.More?.ToJsonString()}")
            );

    private static List<TrainingConversation> Read(string row, out DataCounts counts)
    {
        using var folder = new Samples.Folder();
        File.WriteAllText(folder.File("a.jsonl"), row + "\n");
        var tally = new DataTally("conversations");
        List<TrainingConversation> read = [.. ConversationFiles.Read(folder.File("a.jsonl"), tally)];
        counts = tally.ToCounts();
        return read;
    }
}
