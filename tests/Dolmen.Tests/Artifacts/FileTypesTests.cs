using System.Diagnostics;
using System.Net.Sockets;
using Dolmen.Artifacts;

namespace Dolmen.Tests.Artifacts;

public sealed class FileTypesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dolmen-types").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string At(string name) => Path.Combine(_folder, name);

    [Fact]
    public void Files_folders_and_nothing_are_told_apart()
    {
        File.WriteAllText(At("f"), "x");
        Assert.Equal(FileType.Regular, FileTypes.Of(At("f")));
        Assert.Equal(FileType.Folder, FileTypes.Of(_folder));
        Assert.Equal(FileType.Missing, FileTypes.Of(At("none")));
        Assert.Equal(FileType.Missing, FileTypes.Of(At("f/below")));
    }

    [Fact]
    public void Links_pipes_sockets_and_devices_are_told_without_opening_them()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "pipes and devices have paths on Linux");
        File.WriteAllText(At("f"), "x");
        File.CreateSymbolicLink(At("link"), At("f"));
        File.CreateSymbolicLink(At("zero"), "/dev/zero");
        File.CreateSymbolicLink(At("a"), At("b"));
        File.CreateSymbolicLink(At("b"), At("a"));
        using (var made = Process.Start("mkfifo", [At("pipe")])) made.WaitForExit();
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(At("socket")));

        Assert.Equal((FileType.Regular, FileType.Link), (FileTypes.Of(At("link")), FileTypes.Of(At("link"), follow: false)));
        Assert.Equal((FileType.Device, FileType.Link), (FileTypes.Of(At("zero")), FileTypes.Of(At("zero"), follow: false)));
        Assert.Equal((FileType.Missing, FileType.Link), (FileTypes.Of(At("a")), FileTypes.Of(At("a"), follow: false)));
        Assert.Equal(FileType.Pipe, FileTypes.Of(At("pipe")));
        Assert.Equal(FileType.Socket, FileTypes.Of(At("socket")));
        Assert.Equal(FileType.Device, FileTypes.Of("/dev/full"));
    }

    [Fact]
    public void A_device_a_pipe_or_a_folder_is_never_replaced_by_a_file()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "pipes and devices have paths on Linux");
        using (var made = Process.Start("mkfifo", [At("pipe")])) made.WaitForExit();
        File.CreateSymbolicLink(At("null"), "/dev/null");
        Assert.StartsWith($"{At("pipe")} is a named pipe: ", Refusal(At("pipe")), StringComparison.Ordinal);
        Assert.StartsWith($"{At("null")} is a device: ", Refusal(At("null")), StringComparison.Ordinal);
        Assert.StartsWith($"{_folder} is a folder: ", Refusal(_folder), StringComparison.Ordinal);
        Assert.Equal(FileType.Pipe, FileTypes.Of(At("pipe")));
        Assert.Equal(FileType.Link, FileTypes.Of(At("null"), follow: false));
        Assert.Equal(2, Directory.GetFileSystemEntries(_folder).Length);
    }

    private static string Refusal(string path) => Assert.Throws<UserErrorException>(() => AtomicFile.WriteText(path, "x")).Message;
}
