using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class PreferenceFilesTests
{
    private const string User = """{"role":"user","content":"u"}""",
        Yes = """{"role":"assistant","content":"y"}""",
        No = """{"role":"assistant","content":"n"}""";

    [Theory]
    [InlineData("""{"prompt":"u","chosen":"y","rejected":"n"}""", "user:u assistant!:y", "user:u assistant!:n")]
    [InlineData($$"""{"prompt":[{{User}}],"chosen":[{{Yes}}],"rejected":[{{No}}]}""", "user:u assistant!:y", "user:u assistant!:n")]
    [InlineData($$"""{"chosen":[{{User}},{{Yes}}],"rejected":[{{User}},{{No}}]}""", "user:u assistant!:y", "user:u assistant!:n")]
    [InlineData(
        $$"""{"prompt":"u","chosen":[{{User}},{{Yes}}],"rejected":[{{User}},{{No}}],"score_chosen":8}""",
        "user:u assistant!:y",
        "user:u assistant!:n"
    )]
    [InlineData(
        $$"""{"chosen":[{{User}},{{Yes}},{{User}},{{Yes}}],"rejected":[{{User}},{{Yes}},{{User}},{{No}}]}""",
        "user:u assistant:y user:u assistant!:y",
        "user:u assistant:y user:u assistant!:n"
    )]
    [InlineData(
        $$"""{"input":{"messages":[{{User}}],"tools":[]},"preferred_output":[{{Yes}}],"non_preferred_output":[{{No}}]}""",
        "user:u assistant!:y",
        "user:u assistant!:n"
    )]
    [InlineData(
        """{"conversations":[{"from":"human","value":"u"}],"chosen":{"from":"gpt","value":"y"},"rejected":{"from":"gpt","value":"n"}}""",
        "user:u assistant!:y",
        "user:u assistant!:n"
    )]
    [InlineData(
        """{"instruction":"i","input":"x","system":"s","chosen":"y","rejected":"n"}""",
        "system:s user:i\nx assistant!:y",
        "system:s user:i\nx assistant!:n"
    )]
    [InlineData("""{"chosen":"The sky is blue.","rejected":"The sky is green."}""", "[The sky is| blue.]", "[The sky is| green.]")]
    [InlineData("""{"chosen":"The sky is blue.","rejected":"The sky is black."}""", "[The sky is| blue.]", "[The sky is| black.]")]
    public void The_formats_of_the_field_are_read(string row, string chosen, string rejected)
    {
        var pair = Assert.Single(Read(row));
        Assert.Equal((chosen, rejected), (ConversationFilesTests.Shown(pair.Chosen), ConversationFilesTests.Shown(pair.Rejected)));
        Assert.Null(pair.Problem);
    }

    [Theory]
    [InlineData("""{"prompt":"u","chosen":"","rejected":"n"}""", "chosen-empty")]
    [InlineData("""{"prompt":"u","chosen":" \n","rejected":"n"}""", "chosen-empty")]
    [InlineData("""{"prompt":"u","chosen":"y","rejected":""}""", "rejected-empty")]
    [InlineData("""{"prompt":"u","chosen":"y","rejected":"y"}""", "chosen-equals-rejected")]
    [InlineData($$"""{"chosen":[{{User}},{{Yes}}],"rejected":[{{User}},{{Yes}}]}""", "chosen-equals-rejected")]
    [InlineData("""{"chosen":"The sky is blue.","rejected":"The sky is blue."}""", "chosen-equals-rejected")]
    public void Pairs_from_which_nothing_can_be_learned_say_why(string row, string problem) =>
        Assert.Equal(problem, Assert.Single(Read(row)).Problem);

    [Theory]
    [InlineData("""{"prompt":"u","chosen":"y"}""", "has chosen and no answer rejected")]
    [InlineData("""{"prompt":"u","chosen":"y","rejected":null}""", "has chosen and no answer rejected")]
    [InlineData("""{"prompt":"u","rejected":"y"}""", "has rejected and no answer chosen")]
    [InlineData("""{"prompt":"u","completion":"y","label":true}""", "KTO")]
    [InlineData("""{"messages":[]}""", "'align sft' reads")]
    [InlineData("""{"prompt":"u","chosen":1,"rejected":2}""", "chosen is 1: it must be a string or a list of turns")]
    [InlineData($$"""{"prompt":"u","chosen":"y","rejected":[{{No}}]}""", "rejected is a list, and chosen is \"y\"")]
    [InlineData(
        $$"""{"prompt":"v","chosen":[{{User}},{{Yes}}],"rejected":[{{User}},{{No}}]}""",
        "has a prompt that is not what chosen and rejected begin with"
    )]
    [InlineData("""{"chosen":"Blue","rejected":"Green"}""", "has no prompt")]
    [InlineData($$"""{"chosen":[{{Yes}}],"rejected":[{{No}}]}""", "has no prompt")]
    [InlineData($$"""{"prompt":"u","chosen":[{"role":"user","content":"z"}],"rejected":[{{No}}]}""", "holds no turn of the assistant")]
    public void A_row_in_none_of_them_is_named(string row, string message)
    {
        var error = Assert.Throws<UserErrorException>(() => Read(row));
        Assert.Contains("a.jsonl, line 1: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    private static List<TrainingPair> Read(string row)
    {
        using var folder = new Samples.Folder();
        File.WriteAllText(folder.File("a.jsonl"), row + "\n");
        return [.. PreferenceFiles.Read(folder.File("a.jsonl"), new DataTally("pairs"))];
    }
}
