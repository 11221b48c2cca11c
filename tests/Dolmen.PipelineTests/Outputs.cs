using System.Diagnostics;

namespace Dolmen.PipelineTests;

/// <summary>Whatever a verb makes, it makes it in a place that is its own: where another process works, or something stands that is neither
/// a file nor a folder, it ends before it begins.</summary>
public sealed class Outputs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dolmen-outputs").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Out => Path.Combine(_folder, "out");

    public static TheoryData<string> Verbs =>
    [
        "corpus build --input TEXT",
        "corpus merge --input TEXT",
        "corpus crawl http://127.0.0.1:9/",
        "quickstart --input TEXT",
        "corpus mix --input TEXT",
        "corpus train-classifier --good TEXT",
        "tokenizer train TEXT",
        "tokenizer compare --input TEXT --tokenizer cl100k",
        "tokens pack --corpus TEXT --tokenizer TEXT",
        "model pretrain --tokens TEXT",
        "model import --from TEXT",
        "model export --model TEXT",
        "model pull a/b",
        "model logits --model TEXT --ids 1",
        "align sft --model TEXT --conversations TEXT",
        "align dpo --model TEXT --preferences TEXT",
        "eval run --model TEXT --corpus TEXT",
    ];

    [Theory]
    [MemberData(nameof(Verbs))]
    public void An_output_in_which_another_process_works_is_refused(string verb)
    {
        using var held = new FileStream(Out + ".lock", FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        Refused(verb, " works in ");
        Assert.Equal([Out + ".lock", Text], Directory.GetFileSystemEntries(_folder).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public void An_output_that_is_a_named_pipe_is_left_as_it_is(string verb)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "pipes have paths on Linux");
        using (var made = Process.Start("mkfifo", [Out])) made.WaitForExit();
        Refused(verb, $"{Out} is a named pipe");
        Assert.Equal([Out, Text], Directory.GetFileSystemEntries(_folder).Order(StringComparer.Ordinal));
    }

    private string Text => Path.Combine(_folder, "text.txt");

    private void Refused(string verb, string because)
    {
        File.WriteAllText(Text, "Some text.");
        var result = CommandLine.Run([.. verb.Split(' ').Select(word => word == "TEXT" ? Text : word), "--out", Out]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(because, result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Errors, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }
}
