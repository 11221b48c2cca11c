using System.Diagnostics;

namespace Dolmen.PipelineTests;

/// <summary>The samples that need nothing but a model, run as programs.</summary>
public sealed class SampleChat : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dolmen-sample-").FullName;

    public SampleChat() => StoryModel.Write(Path.Combine(_folder, "model"));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_console_chat_answers_each_line_until_an_empty_one()
    {
        var (exit, output, errors) = Run("Console", ["Once upon a time", "One day", ""], Path.Combine(_folder, "model"));
        Assert.Equal(0, exit);
        Assert.Equal("you: you: you: ", errors);
        Assert.True(output.Length > 200, output);
    }

    /// <summary>The framework's agent asks the model, calls the tool that the model asks for and tells the model its result.</summary>
    [Fact]
    public void The_agent_calls_its_tool()
    {
        var (exit, output, errors) = Run("Agent", [], Path.Combine(_folder, "model"), "What time is it?");
        Assert.True(exit == 0, errors);
        Assert.Matches(@"^calls time_of_day\r?\ngets (\d\d:\d\d|Time zones lie between -14 and \+14 hours from UTC\.)\r?\n$", errors);
        Assert.NotEmpty(output.Trim());
    }

    [Fact]
    public void Semantic_Kernel_asks_it()
    {
        var (exit, output, errors) = Run("SemanticKernel", [], Path.Combine(_folder, "model"), "a dog");
        Assert.True(exit == 0, errors);
        Assert.True(output.Length > 200, output);
    }

    private static (int ExitCode, string Output, string Errors) Run(string sample, string[] lines, params string[] arguments)
    {
        var program = Path.Combine(CommandLine.Root, $"samples/{sample}/bin/Release/net10.0/Dolmen.Samples.{sample}.dll");
        var start = new ProcessStartInfo(PackageFeed.Dotnet, ["exec", program, .. arguments])
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        foreach (var line in lines) process.StandardInput.WriteLine(line);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.GetAwaiter().GetResult());
    }
}
