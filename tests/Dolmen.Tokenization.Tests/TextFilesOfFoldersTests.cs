using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public sealed class TextFilesOfFoldersTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dolmen-texts").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Only_regular_files_of_a_folder_that_can_be_opened_are_texts_and_the_others_are_counted()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "pipes and names of any bytes are Linux's");
        File.WriteAllText(Path.Combine(_folder, "good.txt"), "text");
        File.CreateSymbolicLink(Path.Combine(_folder, "zero.txt"), "/dev/zero");
        using (
            var made = Process.Start("sh", ["-c", "cd \"$1\" && mkfifo pipe.txt && printf x > \"$(printf 'caf\\351.txt')\"", "sh", _folder])
        )
            made.WaitForExit();
        File.CreateSymbolicLink(Path.Combine(_folder, "host.txt"), "/etc/passwd");
        Assert.Equal(5, Directory.GetFileSystemEntries(_folder).Length);
        var tally = new DataTally("documents");
        Assert.Equal([Path.Combine(_folder, "good.txt")], TextFiles.Find([_folder], tally).Select(file => file.Path));
        Assert.Equal(
            [("file-name-not-utf8", 1), ("link-out-of-the-folder", 1), ("not-a-regular-file", 2)],
            tally.ToCounts().Dropped.Select(left => (left.Reason, (int)left.Count)).Order()
        );
        // The runtime cannot delete a file whose name it cannot write.
        using var deleted = Process.Start("sh", ["-c", "rm -f \"$1\"/caf*", "sh", _folder]);
        deleted.WaitForExit();
    }
}
