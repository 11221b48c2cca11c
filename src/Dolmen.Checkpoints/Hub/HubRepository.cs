using System.Text.RegularExpressions;
using Dolmen.Artifacts;

namespace Dolmen.Checkpoints.Hub;

/// <summary>A model on a hub: "owner/name" at a branch, tag or commit.</summary>
public sealed partial record HubRepository
{
    /// <exception cref="UserErrorException">Not of that form.</exception>
    public HubRepository(string id, string revision = "main")
    {
        if (!Id().IsMatch(id) || id.Contains("..", StringComparison.Ordinal))
        {
            throw new UserErrorException($"'{id}' is not the name of a model: write OWNER/NAME, as in the address of its page.");
        }
        if (!RevisionName().IsMatch(revision) || revision.Contains("..", StringComparison.Ordinal))
        {
            throw new UserErrorException($"'{revision}' is not a revision: name a branch, a tag or a commit.");
        }
        (Name, Revision) = (id, revision);
    }

    public string Name { get; }

    public string Revision { get; init; }

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9._-]{0,95}/[A-Za-z0-9_][A-Za-z0-9._-]{0,95}$")]
    private static partial Regex Id();

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}$")]
    private static partial Regex RevisionName();
}

/// <summary>A file of a repository. <paramref name="Sha256"/> is known of large files; of the others <paramref name="GitHash"/>, SHA-1 of
/// the content behind a header that says its length.</summary>
public sealed record HubFile(string Path, long Size, string? Sha256, string? GitHash);

/// <summary>Which files of a repository are taken.</summary>
public static class HubSelection
{
    private static readonly string[] Taken =
    [
        ".safetensors",
        ".gguf",
        ".json",
        ".jsonl",
        ".jinja",
        ".model",
        ".txt",
        ".md",
        ".tiktoken",
        "",
    ];
    private static readonly string[] Pickles = [".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy", ".npz"];

    public static bool IsPickle(string path) => Pickles.Contains(Extension(path));

    /// <summary>Weights, configuration, tokenizer, licence and card; never pickles, code or other frameworks' weights.</summary>
    /// <exception cref="UserErrorException">A path that leaves the folder, or no weights that are read here.</exception>
    public static List<HubFile> Of(HubRepository repository, IReadOnlyList<HubFile> files)
    {
        foreach (var file in files)
        {
            if (!StaysInside(file.Path))
            {
                throw new UserErrorException(
                    $"'{repository.Name}' lists the file '{file.Path}', which would be written outside its folder: nothing was fetched."
                );
            }
        }
        var taken = files.Where(file => Taken.Contains(Extension(file.Path)) && !file.Path.StartsWith('.')).ToList();
        if (taken.Exists(file => Name(file.Path).StartsWith("model", StringComparison.Ordinal) && Extension(file.Path) == ".safetensors"))
        {
            taken.RemoveAll(file => Name(file.Path).StartsWith("consolidated", StringComparison.Ordinal));   // the same weights once more
        }
        if (taken.Exists(file => Extension(file.Path) is ".safetensors" or ".gguf"))
            return taken;
        throw new UserErrorException(
            files.FirstOrDefault(file => IsPickle(file.Path)) is { } pickle
                ? $"'{repository.Name}' has its weights only as pickles ('{pickle.Path}'), which can run code when opened and are never "
                    + $"fetched. Look for a revision with .safetensors files (often 'refs/pr/N') and name it with --revision."
                : $"'{repository.Name}' has no .safetensors or .gguf file: it holds no weights that can be read."
        );
    }

    private static string Extension(string path) => System.IO.Path.GetExtension(path).ToLowerInvariant();

    private static string Name(string path) => System.IO.Path.GetFileName(path);

    private static bool StaysInside(string path) => path.Length is > 0 and < 1000 && path.AsSpan().IndexOfAny("\\:\0") < 0
        && path.Split('/').All(part => part.Length is > 0 and < 256 && part is not ("." or "..") && !part.Any(char.IsControl)
            && !part.EndsWith(AtomicFile.TemporarySuffix, StringComparison.Ordinal));
}
