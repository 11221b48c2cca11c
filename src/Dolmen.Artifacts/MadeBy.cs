namespace Dolmen.Artifacts;

/// <summary>The piece of work that made a file or folder.</summary>
/// <param name="Output">The folder or file that its manifest speaks of.</param>
/// <param name="Sha256">Of the manifest itself.</param>
public sealed record MadeBy(string Output, Manifest Manifest, string Sha256)
{
    /// <summary>A model lies in a folder of its stage, a document of a corpus one deeper.</summary>
    private const int MostFoldersUp = 3;

    /// <summary>Finds the manifest of the path itself, or the nearest one around it that lists it; null where there is none.</summary>
    public static MadeBy? Of(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (At(full) is { } own) return own;
        var at = full;
        for (var up = 0; up < MostFoldersUp && Path.GetDirectoryName(at) is { } parent; up++)
        {
            at = parent;
            if (At(at) is not { } around) continue;
            var name = Path.GetRelativePath(at, full).Replace('\\', '/');
            var listed = around.Manifest.Outputs.Any(file =>
                file.Path == name || file.Path.StartsWith(name + "/", StringComparison.Ordinal));
            return listed ? around : null;
        }
        return null;
    }

    private static MadeBy? At(string output) => Manifest.Read(output) is { } manifest
        ? new MadeBy(output, manifest, StableHash.Sha256OfFile(Manifest.PlaceFor(output))) : null;
}
