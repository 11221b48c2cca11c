using Dolmen.Artifacts;

namespace Dolmen.Tests.Artifacts;

public sealed class OutputPlaceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dolmen-place").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("new")]
    [InlineData("new/er/")]
    [InlineData("file")]
    [InlineData("")]
    public void A_place_that_can_be_written_is_left_as_it_was(string name)
    {
        File.WriteAllText(Path.Combine(_folder, "file"), "x");
        OutputPlace.Check(Path.Combine(_folder, name));
        Assert.Equal([Path.Combine(_folder, "file")], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void What_lies_below_a_file_is_refused()
    {
        var file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "x");
        Assert.Equal($"--out {file}/a/b lies below {file}, which is a file: name another --out.", Refusal($"{file}/a/b"));
    }

    [Fact]
    public void A_device_and_a_folder_that_takes_no_files_are_refused()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/dev and /proc are Linux's");
        Assert.Equal("--out /dev/full is a device: it would be replaced. Name another --out.", Refusal("/dev/full"));
        Assert.StartsWith("--out /proc/below/here: no file can be made in /proc (", Refusal("/proc/below/here"), StringComparison.Ordinal);
    }

    private static string Refusal(string path) => Assert.Throws<UserErrorException>(() => OutputPlace.Check(path)).Message;
}
