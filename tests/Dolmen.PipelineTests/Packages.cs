using System.IO.Compression;
using System.Text;
using System.Xml.Linq;

namespace Dolmen.PipelineTests;

/// <summary>The packages as their users meet them: installed into an empty folder from a feed.</summary>
public sealed class Packages(PackageFeed feed) : IClassFixture<PackageFeed>
{
    private const long MostToolBytes = 100_000_000;

    [Fact]
    public void Every_package_says_what_it_is_and_names_nothing_of_the_machine_that_built_it()
    {
        var packages = Directory.GetFiles(feed.Feed, "*.nupkg");
        Assert.True(packages.Length > 10);
        var wrong = new List<string>();
        foreach (var path in packages)
        {
            var name = Path.GetFileName(path);
            using var package = ZipFile.OpenRead(path);
            var files = package.Entries.Select(entry => entry.FullName).ToList();
            using var stream = package.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
            var about = XDocument.Load(stream).Root!.Elements().Single().Elements().ToLookup(element => element.Name.LocalName);
            string Text(string key) => about[key].SingleOrDefault()?.Value ?? "";
            if (Text("license") != "MIT" || Text("readme") != "README.md" || Text("icon") != "icon.png") wrong.Add($"{name}: about it");
            if (!files.Contains("README.md") || !files.Contains("icon.png")) wrong.Add($"{name}: readme or icon");
            if (Text("description").Length < 40 || Text("projectUrl").Length > 0) wrong.Add($"{name}: description or address");
            if (about["repository"].Attributes("url").Any()) wrong.Add($"{name}: an address");
            if (files.Any(file => file.Contains("llama", StringComparison.OrdinalIgnoreCase))) wrong.Add($"{name}: llama.cpp");
            if (files.Any(file => file.Contains("torch_cpu", StringComparison.Ordinal))) wrong.Add($"{name}: libtorch");
            foreach (var dependency in about["dependencies"].Descendants().Where(element => element.Name.LocalName == "dependency"))
            {
                var (id, version) = (dependency.Attribute("id")?.Value, dependency.Attribute("version")?.Value);
                if (id!.StartsWith("Dolmen.", StringComparison.Ordinal) && version != $"[{PackageFeed.Version}]")
                    wrong.Add($"{name}: {id} {version} is not of its own version");
            }
            var ours = package.Entries.Where(entry => entry.Name.StartsWith("dolmen", StringComparison.OrdinalIgnoreCase));
            wrong.AddRange(ours.Where(NamesTheCheckout).Select(entry => $"{name}: {entry.Name} names the checkout"));
            if (name.StartsWith("Dolmen.", StringComparison.Ordinal) && !HasSymbols(path, name)) wrong.Add($"{name}: symbols or comments");
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public void The_command_is_installed_runs_a_model_and_says_what_training_needs()
    {
        Assert.InRange(new FileInfo(feed.Packed("dolmen")).Length, 1, MostToolBytes);
        var installed = feed.Sdk("tool", "install", "dolmen", "--tool-path", feed.At("tool"), "--version", PackageFeed.Version,
            "--source", feed.Feed);
        Assert.True(installed.ExitCode == 0, installed.Output + installed.Errors);
        var dolmen = feed.At(OperatingSystem.IsWindows() ? "tool/dolmen.exe" : "tool/dolmen");
        Assert.StartsWith("0.1.0", feed.Run(dolmen, feed.Work, "--version").Output, StringComparison.Ordinal);

        var told = feed.Run(dolmen, feed.Work, "generate", "--model", "model", "--prompt", "Once upon a time", "--temperature", "0",
            "--max-tokens", "12");
        Assert.True(told.ExitCode == 0, told.Errors);
        Assert.Contains("little", told.Output, StringComparison.Ordinal);

        var mistyped = feed.Run(dolmen, feed.Work, "generat");
        Assert.Equal(2, mistyped.ExitCode);
        Assert.Contains("type 'dolmen --help'", mistyped.Errors, StringComparison.Ordinal);
        Assert.Equal(0, feed.Run(dolmen, feed.Work, "recipe", "check", "quickstart").ExitCode);

        // Neither beside the program nor in the folder of packages that it is given here.
        var trained = feed.Run(dolmen, feed.Work, "quickstart", "--minutes", "1", "--out", "run");
        Assert.Equal(2, trained.ExitCode);
        Assert.Contains("dotnet package download libtorch-cpu-", trained.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Ten_lines_on_the_library_answer()
    {
        var app = Directory.CreateDirectory(feed.At("app")).FullName;
        File.WriteAllText(Path.Combine(app, "app.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Dolmen.Serving" Version="{PackageFeed.Version}" />
              </ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(app, "Program.cs"), """
            using Dolmen.Serving;
            using Microsoft.Extensions.AI;

            using var chat = DolmenChatClient.Load(args[0]);
            var options = new ChatOptions { Temperature = 0, MaxOutputTokens = 12 };
            await foreach (var update in chat.GetStreamingResponseAsync("Once upon a time", options))
            {
                Console.Write(update.Text);
                if (update.FinishReason is { } reason) Console.WriteLine($" [{reason}]");
            }
            """);
        var built = feed.Sdk("build", app, "-c", "Release", "--nologo", "-v", "quiet", "-nodeReuse:false", "-p:UseSharedCompilation=false");
        Assert.True(built.ExitCode == 0, built.Output + built.Errors);
        var said = feed.Sdk("exec", Path.Combine(app, "bin/Release/net10.0/app.dll"), feed.Model);
        Assert.True(said.ExitCode == 0, said.Errors);
        Assert.Contains("little", said.Output, StringComparison.Ordinal);
        Assert.EndsWith("[length]", said.Output.Trim(), StringComparison.Ordinal);
        // The engine is managed code: what trains stays out of who only runs models.
        Assert.DoesNotContain(Directory.GetFiles(Path.Combine(app, "bin"), "*", SearchOption.AllDirectories), file =>
            Path.GetFileName(file).Contains("torch", StringComparison.OrdinalIgnoreCase));
    }

    private bool HasSymbols(string path, string name)
    {
        using var package = ZipFile.OpenRead(path);
        using var symbols = ZipFile.OpenRead(Path.ChangeExtension(path, ".snupkg"));
        var assembly = name[..name.IndexOf($".{PackageFeed.Version}", StringComparison.Ordinal)];
        return package.Entries.Any(entry => entry.FullName == $"lib/net10.0/{assembly}.xml")
            && symbols.Entries.Any(entry => entry.FullName == $"lib/net10.0/{assembly}.pdb");
    }

    private static bool NamesTheCheckout(ZipArchiveEntry entry)
    {
        using var stream = entry.Open();
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        var span = bytes.ToArray().AsSpan();
        return span.IndexOf(Encoding.UTF8.GetBytes(CommandLine.Root)) >= 0
            || span.IndexOf(Encoding.Unicode.GetBytes(CommandLine.Root)) >= 0;
    }
}
