using System.Diagnostics;
using Dolmen.Artifacts;

namespace Dolmen.Tests.Artifacts;

public sealed class RegularFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dolmen-regular").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_pipe_and_a_device_are_refused_by_every_way_of_reading()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "pipes and devices have paths on Linux");
        var (pipe, zero) = (Path.Combine(_folder, "pipe"), Path.Combine(_folder, "zero"));
        using (var made = Process.Start("mkfifo", [pipe])) made.WaitForExit();
        File.CreateSymbolicLink(zero, "/dev/zero");
        Action<string>[] ways =
        [
            path => RegularFile.OpenRead(path).Dispose(),
            path => RegularFile.OpenHandle(path).Dispose(),
            path => RegularFile.ReadAllBytes(path),
            path => RegularFile.ReadAllText(path),
            path => RegularFile.Copy(path, Path.Combine(_folder, "copy")),
            path => Assert.NotEmpty(RegularFile.ReadLines(path)),
        ];
        foreach (var read in ways)
        {
            var error = Assert.Throws<UserErrorException>(() => read(pipe));
            Assert.StartsWith($"{pipe} is a named pipe, and only regular files are read", error.Message, StringComparison.Ordinal);
            Assert.Contains("is a device", Assert.Throws<UserErrorException>(() => read(zero)).Message);
        }
    }

    [Fact]
    public void A_file_behind_a_link_is_read_and_a_missing_one_is_left_to_the_runtime()
    {
        var (file, link) = (Path.Combine(_folder, "file"), Path.Combine(_folder, "link"));
        File.WriteAllText(file, "a\nb\n");
        File.CreateSymbolicLink(link, file);
        Assert.Equal("a\nb\n", RegularFile.ReadAllText(link));
        Assert.Equal(["a", "b"], RegularFile.ReadLines(link));
        Assert.Throws<FileNotFoundException>(() => RegularFile.ReadAllBytes(Path.Combine(_folder, "none")));
    }
}
