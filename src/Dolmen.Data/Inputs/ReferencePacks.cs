using System.Runtime.InteropServices;
using Dolmen.Artifacts;

namespace Dolmen.Data.Inputs;

/// <summary>The XML documentation every .NET SDK carries in its reference packs: the corpus that is always at hand.</summary>
internal static class ReferencePacks
{
    public static IReadOnlyList<InputFile> Find()
    {
        foreach (var root in Roots())
        {
            var packs = Path.Combine(root, "packs");
            if (Directory.Exists(packs) && In(packs) is { Count: > 0 } files) return files;
        }
        throw new UserErrorException(
            "the running .NET SDK has no XML documentation (packs/*.Ref/*/ref/net*/*.xml), which is the default corpus: some images strip "
                + "it. Install the package dotnet-targeting-pack-10.0 or the SDK from https://dot.net/download, or name your own documents "
                + "with --input PATH."
        );
    }

    /// <summary>The newest version of every reference pack below <paramref name="packs"/>.</summary>
    public static IReadOnlyList<InputFile> In(string packs)
    {
        var files = new List<InputFile>();
        foreach (var pack in Directory.GetDirectories(packs, "*.Ref"))
        {
            var newest = Directory
                .GetDirectories(pack)
                .OrderByDescending(v => Order(Path.GetFileName(v)))
                .ThenByDescending(v => v, StringComparer.Ordinal)
                .FirstOrDefault();
            if (newest is null || !Directory.Exists(Path.Combine(newest, "ref")))
                continue;
            foreach (var framework in Directory.GetDirectories(Path.Combine(newest, "ref"), "net*"))
            foreach (var path in Directory.GetFiles(framework, "*.xml"))
                files.Add(
                    new InputFile(
                        path,
                        Path.GetRelativePath(packs, path).Replace('\\', '/'),
                        $"{Path.GetFileName(pack)}/{Path.GetFileName(newest)}"
                    )
                );
        }
        return [.. files.OrderBy(f => f.Name, StringComparer.Ordinal)];
    }

    // The runtime lives in ROOT/shared/NAME/VERSION; ROOT may be a folder of links beside a private loader.
    private static IEnumerable<string> Roots()
    {
        var runtime = Path.TrimEndingDirectorySeparator(RuntimeEnvironment.GetRuntimeDirectory());
        yield return Path.GetFullPath(Path.Combine(runtime, "..", "..", ".."));
        if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } named) yield return named;
    }

    private static (Version Number, bool Released) Order(string version)
    {
        var dash = version.IndexOf('-', StringComparison.Ordinal);
        return (Version.TryParse(dash < 0 ? version : version[..dash], out var number) ? number : new Version(0, 0), dash < 0);
    }
}
