using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Inputs;

namespace Dolmen.Tests.Data.Sources;

public sealed class InputFolders : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("dolmen-inputs").FullName;

    public void Dispose()
    {
        // .NET cannot delete a file whose name is not UTF-8.
        if (OperatingSystem.IsLinux()) Process.Start("rm", ["-rf", _root]).WaitForExit();
        else Directory.Delete(_root, recursive: true);
    }

    private string At(string name) => Path.Combine(_root, "in", name);

    private (string[] Names, Funnel Funnel) Find(bool followLinks = false)
    {
        var funnel = new Funnel();
        return ([.. InputFiles.Find([Path.Combine(_root, "in")], funnel, followLinks).Select(f => f.Name)], funnel);
    }

    public InputFolders()
    {
        Directory.CreateDirectory(At("sub"));
        Directory.CreateDirectory(Path.Combine(_root, "out"));
        File.WriteAllText(At("a.txt"), "words");
        File.WriteAllText(Path.Combine(_root, "out", "secret.txt"), "secret");
    }

    [Fact]
    public void Pipes_and_devices_are_left_out_and_counted()
    {
        if (!OperatingSystem.IsLinux()) return;
        using (var made = Process.Start("mkfifo", [At("p.jsonl")])) made.WaitForExit();
        File.CreateSymbolicLink(At("z.warc"), "/dev/zero");
        var (names, funnel) = Find();
        Assert.Equal(["in/a.txt"], names);
        Assert.Equal(2, funnel.Dropped[FolderWalk.NotRegular]);
        Assert.Equal("in/p.jsonl", Assert.Single(funnel.Broken).File);
        Assert.Contains(
            "named pipe",
            Assert.Throws<UserErrorException>(() => InputFiles.Find([At("p.jsonl")], new Funnel())).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "a device",
            Assert.Throws<UserErrorException>(() => InputFiles.Find([At("z.warc")], new Funnel())).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Links_out_of_the_folder_are_followed_only_when_asked()
    {
        File.CreateSymbolicLink(At("out.txt"), Path.Combine(_root, "out", "secret.txt"));
        File.CreateSymbolicLink(At("inside.txt"), At("a.txt"));
        File.CreateSymbolicLink(At("dangling.txt"), At("none.txt"));
        File.CreateSymbolicLink(At("loop.txt"), At("loop.txt"));
        Directory.CreateSymbolicLink(At("folder"), Path.Combine(_root, "out"));
        Directory.CreateSymbolicLink(At("sub/up"), Path.Combine(_root, "in"));
        var (names, funnel) = Find();
        Assert.Equal(["in/a.txt", "in/inside.txt"], names);
        Assert.Equal(1, funnel.Dropped[FolderWalk.LinkOut]);
        Assert.Equal(2, funnel.Dropped[FolderWalk.LinkedFolder]);
        Assert.Equal(2, funnel.Dropped[FolderWalk.BrokenLink]);
        var (all, _) = Find(followLinks: true);
        Assert.Equal(["in/a.txt", "in/folder/secret.txt", "in/inside.txt", "in/out.txt"], all);
    }

    [Fact]
    public void Names_that_are_not_utf8_are_counted_and_control_characters_are_escaped()
    {
        if (!OperatingSystem.IsLinux()) return;
        File.WriteAllText(At("red\u001b[31m.txt"), "words");
        using (var made = Process.Start("sh", ["-c", $"printf x > \"$(printf '{At("caf")}\\351.txt')\""])) made.WaitForExit();
        var (names, funnel) = Find();
        Assert.Equal(["in/a.txt", "in/red\\u001B[31m.txt"], names);
        Assert.Equal(1, funnel.Dropped[FolderWalk.NotUtf8]);
    }

    [Fact]
    public void Rules_for_crawlers_and_indexes_of_crawls_are_not_documents()
    {
        File.WriteAllText(At("robots.txt"), "User-agent: *");
        File.WriteAllText(At("crawl.cdxj"), "x");
        var (names, funnel) = Find();
        Assert.Equal(["in/a.txt"], names);
        Assert.Equal(1, funnel.Dropped["robots-txt"]);
        Assert.Equal(1, funnel.Dropped["crawl-index"]);
    }
}
