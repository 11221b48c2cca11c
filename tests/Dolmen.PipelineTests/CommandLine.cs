using System.Diagnostics;

namespace Dolmen.PipelineTests;

internal sealed record CommandResult(int ExitCode, string Output, string Errors);

/// <summary>Runs the dolmen command as its user does, through the launcher.</summary>
internal static class CommandLine
{
    public static string Root { get; } = Find();

    public static CommandResult Run(params string[] arguments)
    {
        using var process = Start(arguments);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new CommandResult(process.ExitCode, output, errors.GetAwaiter().GetResult());
    }

    public static Process Start(params string[] arguments)
    {
        var launcher =
            Environment.GetEnvironmentVariable("DOLMEN_LAUNCHER")
            ?? Path.Combine(Root, OperatingSystem.IsWindows() ? "dolmen.cmd" : "dolmen");
        return Process.Start(
                new ProcessStartInfo(launcher, arguments)
                {
                    UseShellExecute = false,
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                    RedirectStandardInput = true,
                    WorkingDirectory = Root,
                    Environment = { ["DOLMEN_NO_BUILD"] = "1" },
                }
            ) ?? throw new InvalidOperationException($"{launcher} did not start.");
    }

    private static string Find()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Dolmen.slnx"))) return at.FullName;
        }
        throw new InvalidOperationException("These tests run from a checkout: no folder above them holds Dolmen.slnx.");
    }
}
