namespace Dolmen.PipelineTests;

/// <summary>A story teller of 260,000 parameters as a model folder: whatever is said to it, it goes on from there.</summary>
internal static class StoryModel
{
    public static void Write(string folder)
    {
        var story = Path.Combine(CommandLine.Root, "tests/Dolmen.Tests/Pipeline/Goldens/stories260K");
        var made = CommandLine.Run("model", "import", "--from", Path.Combine(story, "stories260K.bin"),
            "--tokenizer-bin", Path.Combine(story, "tok512.bin"), "--out", folder);
        Assert.True(made.ExitCode == 0, made.Errors);
        File.WriteAllText(Path.Combine(folder, "chat_template.jinja"),
            "{% for tool in tools or [] %}<tool_call> {{ tool.function.name }} {% endfor %}{{ messages[-1]['content'] }}");
    }
}
