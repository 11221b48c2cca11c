using Dolmen.Artifacts;

namespace Dolmen.Retrieval;

/// <summary>Where the index of a run lies.</summary>
public static class IndexPlace
{
    /// <summary>In the run's folder.</summary>
    public const string Folder = "index";

    /// <summary>Where a run keeps its index, whether it has one or not.</summary>
    public static string OfRun(string run) => Path.Combine(run, Folder, DocumentIndex.FileName);

    /// <summary>The index of the run that a model belongs to: of <c>runs/x</c>, <c>runs/x/model</c> and <c>runs/x/sft/model</c> it is
    /// <c>runs/x/index/documents.sqlite</c>. Null where the model belongs to no run, or the run has none.</summary>
    public static string? OfModel(string model)
    {
        var folder = new DirectoryInfo(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model)));
        for (var level = 0; level < 3 && folder is not null; level++, folder = folder.Parent)
        {
            var file = OfRun(folder.FullName);
            if (File.Exists(file)) return file;
        }
        return null;
    }

    /// <summary>The index that a person names: the file itself, the folder that holds it, or a run.</summary>
    /// <exception cref="UserErrorException">The folder holds no index.</exception>
    public static string Named(string path)
    {
        if (!Directory.Exists(path)) return path;
        string[] files = [Path.Combine(path, DocumentIndex.FileName), OfRun(path)];
        return files.FirstOrDefault(File.Exists)
            ?? throw new UserErrorException(
                $"'{path}' holds no index of documents ({Folder}/{DocumentIndex.FileName}): name a run that has one, or the file itself."
            );
    }
}
