using System.Diagnostics;

namespace Dolmen.PipelineTests;

/// <summary>All packages of this checkout in a folder that serves as a feed, in a version that exists nowhere else, beside an empty folder
/// to use them in. What they depend on comes from the packages that this machine has; whatever is unpacked of ours goes away with the
/// folder.</summary>
public sealed class PackageFeed : IDisposable
{
    public const string Version = "0.1.0-test.1";

    internal static string Dotnet { get; } = Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } root
        ? Path.Combine(root, OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet") : "dotnet";

    private readonly string _folder = Directory.CreateTempSubdirectory("dolmen-packages-").FullName;

    public PackageFeed()
    {
        try
        {
            Pack();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Feed => Path.Combine(_folder, "feed");

    public string Work => Path.Combine(_folder, "work");

    public string Model => At("model");

    public string At(string name) => Path.Combine(Work, name);

    public string Packed(string name, string ending = "nupkg") => Path.Combine(Feed, $"{name}.{Version}.{ending}");

    internal CommandResult Sdk(params string[] arguments) => Run(Dotnet, Work, arguments);

    internal CommandResult Run(string program, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = folder,
        };
        var here = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } moved ? moved
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        start.Environment["NUGET_FALLBACK_PACKAGES"] = here;
        start.Environment["NUGET_PACKAGES"] = Path.Combine(_folder, "packages");
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        // As where it was installed: no checkout stands behind the command.
        foreach (var name in (string[])["DOLMEN_LAUNCHER", "DOLMEN_ROOT"]) start.Environment.Remove(name);
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new CommandResult(process.ExitCode, output, errors.GetAwaiter().GetResult());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Pack()
    {
        foreach (var folder in (string[])[Feed, Work]) Directory.CreateDirectory(folder);
        // A configuration that clears nothing adds its source to those of the user.
        File.WriteAllText(At("nuget.config"),
            $"""<configuration><packageSources><add key="dolmen-test" value="{Feed}" /></packageSources></configuration>""");
        StoryModel.Write(Model);
        var packed = Run(Dotnet, CommandLine.Root, "pack", "Dolmen.slnx", "-c", "Release", "--no-build",
            "--nologo", "-v", "quiet", "-nodeReuse:false", "-o", Feed, $"-p:Version={Version}");
        Assert.True(packed.ExitCode == 0, packed.Output + packed.Errors);
    }
}
