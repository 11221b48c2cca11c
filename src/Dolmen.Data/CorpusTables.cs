using Dolmen.Artifacts;
using Dolmen.Data.Inputs;

namespace Dolmen.Data;

/// <summary>Where a corpus keeps its documents.</summary>
internal static class CorpusTables
{
    /// <summary>The Parquet files behind a corpus folder, a folder of Parquet files or one such file, in ordinal order; none when it is no
    /// such thing.</summary>
    /// <param name="leftOut">Called for each file that is not a regular one or is a link out of the folder, with the reason.</param>
    public static IReadOnlyList<string> FilesOf(string path, Action<string, string>? leftOut = null)
    {
        if (File.Exists(path)) return path.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase) ? [path] : [];
        if (!Directory.Exists(path)) return [];
        var documents = Path.Combine(path, CorpusFolder.Documents);
        if (Directory.Exists(documents)) return Below(documents, leftOut);
        return Below(path, leftOut);
    }

    private static List<string> Below(string folder, Action<string, string>? leftOut)
    {
        var walk = new FolderWalk(followLinks: false, leftOut ?? ((_, _) => { }));
        return [.. walk.Files(folder, "*.parquet").Order(StringComparer.Ordinal)];
    }
}
