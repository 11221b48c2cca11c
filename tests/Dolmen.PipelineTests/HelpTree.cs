using System.Text;
using System.Text.RegularExpressions;

namespace Dolmen.PipelineTests;

public partial class HelpTree
{
    /// <summary>The command line is a public surface: a new verb or option is a decision, made by changing this file.</summary>
    [Fact]
    public void The_whole_help_is_as_agreed()
    {
        var text = new StringBuilder();
        Visit(text, []);
        var golden = Path.Combine(CommandLine.Root, "tests/Dolmen.PipelineTests/Goldens/help.txt");
        if (Environment.GetEnvironmentVariable("DOLMEN_ACCEPT") == "1") File.WriteAllText(golden, text.ToString());
        Assert.Equal(File.ReadAllText(golden), text.ToString(), ignoreLineEndingDifferences: true);
    }

    private static void Visit(StringBuilder text, string[] path)
    {
        var help = CommandLine.Run([.. path, "--help"]);
        Assert.Equal(0, help.ExitCode);
        text.Append($"==== dolmen {string.Join(' ', path)}\n")
            .Append(Blanks().Replace(help.Output.ReplaceLineEndings("\n"), "\n").Trim())
            .Append("\n\n");
        var commands = help.Output.IndexOf("Commands:", StringComparison.Ordinal);
        if (commands < 0) return;
        foreach (Match verb in Verb().Matches(help.Output[commands..])) Visit(text, [.. path, verb.Groups[1].Value]);
    }

    [GeneratedRegex(@"^  ([a-z][a-z-]*)", RegexOptions.Multiline)]
    private static partial Regex Verb();

    [GeneratedRegex(@"[ \t]+\n")]
    private static partial Regex Blanks();
}
