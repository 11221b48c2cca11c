using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Retrieval;

namespace Dolmen.Serving;

/// <summary>A model that a server may serve: its names, and how it is loaded. Whatever answers to a name of its own, such as an adapter on
/// a base model one day, is a source.</summary>
/// <param name="Name">What clients ask for it by.</param>
/// <param name="Load">Called on a thread of the pool, again each time after the model was dropped.</param>
public sealed record ModelSource(string Name, Func<ServedModel> Load)
{
    /// <summary>Further names that clients may ask for it by.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Where the model lies: kept out of what clients are told.</summary>
    public string? Folder { get; init; }

    /// <summary>The file of the index of documents that its chats are answered from, opened with the model; null for none.</summary>
    public string? Documents { get; init; }

    /// <summary>Bytes of its files, from which the memory that it needs is guessed before it is loaded.</summary>
    public long FileBytes { get; init; }

    /// <summary>Whether the weights are freed when the server drops the model or ends.</summary>
    public bool OwnsModel { get; init; } = true;

    /// <summary>A model that is loaded already and stays the caller's.</summary>
    public static ModelSource Of(ServedModel served) =>
        new(served.Name, () => served) { Aliases = served.Aliases, Folder = served.Folder, OwnsModel = false };

    /// <summary>A model folder, a finished run or a GGUF file, which is looked at and not loaded yet.</summary>
    /// <exception cref="UserErrorException"><paramref name="path"/> holds no model.</exception>
    public static ModelSource At(
        string path, string? name = null, IReadOnlyList<string>? aliases = null, int? threads = null,
        WeightPrecision precision = WeightPrecision.Stored, KvPrecision kept = KvPrecision.Automatic)
    {
        if (File.Exists(Path.Combine(path, "adapter_config.json")) && !File.Exists(Path.Combine(path, "config.json")))
        {
            throw new UserErrorException(
                $"'{path}' holds an adapter (LoRA), which cannot be served by itself yet: merge it into its base model and name that.");
        }
        var folder = ModelFolder.Locate(path);
        name ??= ServedModel.NameOf(path);
        var reading = ModelReading.Current;                              // requests run outside of what called us
        return new ModelSource(name, Load)
        {
            Aliases = aliases ?? [], Folder = folder, FileBytes = BytesOf(folder), Documents = IndexPlace.OfModel(path),
        };

        ServedModel Load()
        {
            ModelReading.Current = reading;
            var (model, tokenizer) = ModelFolder.Load(path, threads, precision, kept);
            return new ServedModel(name, model, tokenizer)
            {
                Folder = folder, Defaults = SamplingDefaults.Of(ModelFolder.Settings(path), temperature: 1),
            };
        }
    }

    /// <summary>The model with its documents.</summary>
    /// <exception cref="UserErrorException">One of them cannot be read.</exception>
    internal ServedModel Open()
    {
        if (Documents is null) return Load();
        var documents = DocumentIndex.Open(Documents);
        try
        {
            return Load() with { Documents = documents };
        }
        catch
        {
            documents.Dispose();
            throw;
        }
    }

    /// <summary>All models in a folder: its subfolders that hold one, and its GGUF files, by name.</summary>
    /// <exception cref="UserErrorException">The folder does not exist, or holds no model.</exception>
    public static IReadOnlyList<ModelSource> In(string directory, int? threads = null, WeightPrecision precision = WeightPrecision.Stored,
        KvPrecision kept = KvPrecision.Automatic)
    {
        if (!Directory.Exists(directory))
            throw new UserErrorException($"--models-dir is '{directory}', which is not a folder: name one whose folders are models.");
        string[] paths = [.. Directory.EnumerateFileSystemEntries(directory).Where(IsModel).Order(StringComparer.Ordinal)];
        if (paths.Length == 0)
        {
            throw new UserErrorException(
                $"--models-dir is '{directory}', in which no folder holds a model (config.json) and no file is a .gguf. " +
                    "Name a single model with --model.");
        }
        return [.. paths.Select(path => At(path, threads: threads, precision: precision, kept: kept))];
    }

    private static bool IsModel(string path) => ModelFolder.IsGguf(path) || File.Exists(Path.Combine(path, "config.json"))
        || File.Exists(Path.Combine(path, "model", "config.json"));

    private static long BytesOf(string path) => File.Exists(path) ? new FileInfo(path).Length
        : new DirectoryInfo(path).EnumerateFiles().Where(file => file.Extension is ".safetensors" or ".bin").Sum(file => file.Length);
}
