using Dolmen.Artifacts;

namespace Dolmen.Modeling.Native;

/// <summary>Libraries this process has already loaded, by the start of their file name. Linux only: elsewhere nothing is found and
/// what depends on it falls back.</summary>
internal static class LoadedLibrary
{
    public static string? Find(string namePrefix)
    {
        if (!OperatingSystem.IsLinux()) return null;
        foreach (var line in RegularFile.ReadLines("/proc/self/maps"))
        {
            var slash = line.IndexOf('/');
            if (slash >= 0 && Path.GetFileName(line.AsSpan(slash)).StartsWith(namePrefix, StringComparison.Ordinal)) return line[slash..];
        }
        return null;
    }
}
