using System.Diagnostics;
using System.Globalization;

namespace Dolmen.Artifacts;

/// <summary>
/// A lock file: one process holds it, and the operating system releases it when that process ends, however it ends. A file that was left
/// behind locks nothing.
/// </summary>
public sealed class FileLock : IDisposable
{
    /// <summary>What the file of a lock beside its output is called after the output's name.</summary>
    public const string Suffix = ".lock";

    private readonly FileStream _file;
    private readonly bool _deleteWhenDone;

    private FileLock(FileStream file, bool deleteWhenDone) => (_file, _deleteWhenDone) = (file, deleteWhenDone);

    /// <param name="path">The lock file; it is created where it is missing.</param>
    /// <param name="place">What the lock stands for, for messages: a folder or a file.</param>
    /// <exception cref="UserErrorException">Another process holds it; the message names that process where the system tells.</exception>
    public static FileLock Take(string path, string place, bool deleteWhenDone = false)
    {
        while (true)
        {
            try
            {
                var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                if (!deleteWhenDone || IsStillThere(file, path)) return new FileLock(file, deleteWhenDone);
                file.Dispose();
            }
            catch (IOException error) when (IsSharingViolation(error))
            {
                throw new UserErrorException(
                    $"{Holder(path) ?? "another process"} works in {place}: wait for it to end, stop it, or use another --out.", error);
            }
        }
    }

    /// <summary>
    /// Locks an output by a file beside it, named like it with <c>.lock</c> behind, which is removed at the end. Where the folder around
    /// the output takes no files, the lock lies in the folder for temporary files.
    /// </summary>
    /// <exception cref="UserErrorException">Another process holds it, or nothing can be written there.</exception>
    public static FileLock Beside(string output, string suffix = "")
    {
        OutputPlace.Check(output);
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(output));
        var name = suffix + Suffix;
        if (Path.GetDirectoryName(full) is { } around)
        {
            try
            {
                Directory.CreateDirectory(around);
                return Take(full + name, output, deleteWhenDone: true);
            }
            catch (Exception error) when (error is UnauthorizedAccessException or IOException)
            {
                // The output itself may be writable all the same: a volume that is mounted there.
            }
        }
        var hash = StableHash.Sha256(full)[..16];
        return Take(Path.Combine(Path.GetTempPath(), $"dolmen-{Environment.UserName}-{hash}{name}"), output, deleteWhenDone: true);
    }

    /// <summary>Whether a process works on what the lock file stands for; a file that is there and not held was left behind.</summary>
    public static bool IsHeld(string path)
    {
        if (!File.Exists(path)) return false;
        try
        {
            new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
            return false;
        }
        catch (IOException error)
        {
            return IsSharingViolation(error);
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        if (_deleteWhenDone) File.Delete(_file.Name);
        _file.Dispose();
    }

    /// <summary>Another holder may have deleted the file between our opening and our locking it, and a third process made it anew: our lock
    /// would lock nothing. The length that we give our file tells them apart.</summary>
    private static bool IsStillThere(FileStream file, string path)
    {
        file.SetLength(1 + (Stopwatch.GetTimestamp() & 0xFFFF));
        return new FileInfo(path) is { Exists: true } there && there.Length == file.Length;
    }

    /// <summary>Windows ERROR_SHARING_VIOLATION, Linux EWOULDBLOCK, macOS EWOULDBLOCK.</summary>
    private static bool IsSharingViolation(IOException error) => error.HResult is unchecked((int)0x80070020) or 11 or 35;

    /// <summary>Linux lists the open files of each process of the same user.</summary>
    private static string? Holder(string path)
    {
        if (!Directory.Exists("/proc/self/fd")) return null;
        var wanted = Path.GetFullPath(path);
        foreach (var process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process), CultureInfo.InvariantCulture, out var id)) continue;
            try
            {
                var holds = Directory.EnumerateFiles(Path.Combine(process, "fd")).Any(handle => new FileInfo(handle).LinkTarget == wanted);
                if (holds) return id == Environment.ProcessId ? "this process already" : $"process {id} ({CommandOf(id)})";
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // The process has ended, or it is another user's.
            }
        }
        return null;
    }

    /// <summary>The command it was started as: "dolmen corpus build" for one of ours, which the runtime's host runs from a .dll.</summary>
    private static string CommandOf(int id)
    {
        var words = RegularFile.ReadAllText($"/proc/{id}/cmdline").Split('\0', StringSplitOptions.RemoveEmptyEntries);
        var program = Math.Max(0, Array.FindIndex(words, word => word.EndsWith(".dll", StringComparison.Ordinal)));
        var verbs = words.Skip(program + 1).Take(2).TakeWhile(word => char.IsAsciiLetter(word[0]));
        return words.Length == 0 ? "ending" : string.Join(' ', [Path.GetFileNameWithoutExtension(words[program]), .. verbs]);
    }
}
