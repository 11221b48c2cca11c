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

    private const string RankSuffix = ".rank-";

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
                throw new UserErrorException(Refusal(path, place), error);
            }
        }
    }

    /// <summary>
    /// Locks an output by a file beside it, named like it with <c>.lock</c> behind, which is removed at the end. Where the folder around
    /// the output takes no files, the lock lies in the folder for temporary files. A link and what it leads to are one output.
    /// </summary>
    /// <param name="rank">The process's number where several share the work: each holds a lock of its own, and none beside a process that
    /// has the output to itself.</param>
    /// <exception cref="UserErrorException">Another process works there, or nothing can be written there.</exception>
    public static FileLock Beside(string output, int? rank = null)
    {
        OutputPlace.Check(output);
        var real = Path.TrimEndingDirectorySeparator(RealPath.Of(output) ?? Path.GetFullPath(output));
        var name = (rank is null ? "" : $"{RankSuffix}{rank}") + Suffix;
        var (held, stem) = (TryBeside(real, name, output), real);
        if (held is null)
        {
            stem = Path.Combine(Path.GetTempPath(), $"dolmen-{Environment.UserName}-{StableHash.Sha256(real)[..16]}");
            held = Take(stem + name, output, deleteWhenDone: true);
        }
        // Both of two that begin at once may be refused here, but never neither: each has its own lock before it looks for the other's.
        if (Others(real, stem, rank is null).FirstOrDefault(IsHeld) is not { } other) return held;
        held.Dispose();
        throw new UserErrorException(Refusal(other, output));
    }

    private static FileLock? TryBeside(string real, string name, string output)
    {
        if (Path.GetDirectoryName(real) is not { } around) return null;
        try
        {
            Directory.CreateDirectory(around);
            return Take(real + name, output, deleteWhenDone: true);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            return null;                                                 // the output itself may be writable: a volume mounted there
        }
    }

    /// <summary>Locks of those who work in the same output: its ranks or the one that has it to itself, whoever makes a part of it, and a
    /// run of which it is a part.</summary>
    private static IEnumerable<string> Others(string real, string stem, bool alone)
    {
        var of = alone ? Matching(Path.GetDirectoryName(stem), $"{Path.GetFileName(stem)}{RankSuffix}*{Suffix}") : [stem + Suffix];
        var around = new List<string>();
        for (var folder = Path.GetDirectoryName(real); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            // Without the run's own file it is the lock of an output that is called "run".
            if (File.Exists(Path.Combine(folder, RunDirectory.RunFile))) around.Add(Path.Combine(folder, RunDirectory.LockFile));
        }
        return [.. of, .. Matching(real, "*" + Suffix), .. around];
    }

    private static string[] Matching(string? folder, string pattern) => Directory.Exists(folder) ? Directory.GetFiles(folder, pattern) : [];

    /// <summary>Whether a process works on what the lock file stands for; a file that is there and not held was left behind.</summary>
    public static bool IsHeld(string path)
    {
        if (!File.Exists(path)) return false;
        try
        {
            // Two that ask at the same time do not take each other for holders.
            new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read).Dispose();
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

    private static string Refusal(string path, string place) =>
        $"{Holder(path) ?? "another process"} works in {place}: wait for it to end, stop it, or use another --out.";

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
