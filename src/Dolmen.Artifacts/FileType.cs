using System.Runtime.InteropServices;

namespace Dolmen.Artifacts;

public enum FileType { Missing, Regular, Folder, Link, Pipe, Socket, Device }

/// <summary>
/// What stands under a path, told without opening it: opening a named pipe waits for its other end, and a device such as /dev/zero never
/// ends. .NET calls all of them files.
/// </summary>
public static partial class FileTypes
{
    private const int AtCurrentFolder = -100, DoNotFollow = 0x100;
    private const uint TypeWanted = 1;
    private const int ModeOffset = 28, BufferBytes = 256;                  // struct statx, the same on every Linux architecture

    /// <param name="follow">Tells what a symbolic link leads to instead of <see cref="FileType.Link"/>.</param>
    public static FileType Of(string path, bool follow = true)
    {
        if (OperatingSystem.IsLinux() && Statx(path, follow) is { } known) return known;
        var info = new FileInfo(path);
        if (!follow && info.LinkTarget is not null) return FileType.Link;
        if (Directory.Exists(path)) return FileType.Folder;
        return !info.Exists ? FileType.Missing
            : info.Attributes.HasFlag(FileAttributes.Device) ? FileType.Device : FileType.Regular;
    }

    /// <summary>How a message names it: "a named pipe".</summary>
    public static string Name(this FileType type) => type switch
    {
        FileType.Missing => "nothing",
        FileType.Regular => "a file",
        FileType.Folder => "a folder",
        FileType.Link => "a symbolic link",
        FileType.Pipe => "a named pipe",
        FileType.Socket => "a socket",
        _ => "a device",
    };

    private static unsafe FileType? Statx(string path, bool follow)
    {
        var buffer = stackalloc byte[BufferBytes];
        try
        {
            if (Statx(AtCurrentFolder, path, follow ? 0 : DoNotFollow, TypeWanted, buffer) != 0)
            {
                return Marshal.GetLastPInvokeError() is 2 or 20 or 40 ? FileType.Missing : null;       // ENOENT, ENOTDIR, ELOOP
            }
        }
        catch (EntryPointNotFoundException)                                // a C library from before 2018
        {
            return null;
        }
        return (*(ushort*)(buffer + ModeOffset) & 0xF000) switch
        {
            0x8000 => FileType.Regular,
            0x4000 => FileType.Folder,
            0xA000 => FileType.Link,
            0x1000 => FileType.Pipe,
            0xC000 => FileType.Socket,
            _ => FileType.Device,
        };
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Statx(int folder, string path, int flags, uint mask, byte* buffer);
}
