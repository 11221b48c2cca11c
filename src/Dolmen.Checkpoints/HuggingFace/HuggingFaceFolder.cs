using Dolmen.Artifacts;

namespace Dolmen.Checkpoints;

/// <summary>A model as a folder in Hugging Face layout: config.json, weights, generation_config.json, tokenizer files, README.md.</summary>
public static class HuggingFaceFolder
{
    /// <summary>Above this size weights are split into several files, as other software expects.</summary>
    public const long MaxShardBytes = 5_000_000_000;

    /// <summary>The model folder itself, or the <c>model/</c> of a finished run or training stage.</summary>
    /// <exception cref="UserErrorException">Neither.</exception>
    public static string Locate(string directory)
    {
        if (File.Exists(Path.Combine(directory, "config.json"))) return directory;
        var inside = Path.Combine(directory, "model");
        if (File.Exists(Path.Combine(inside, "config.json"))) return inside;
        throw new UserErrorException(Directory.Exists(directory)
            ? $"'{directory}' holds no model: neither it nor its 'model' folder has a config.json. Name a Hugging Face model folder or a " +
                "run that has finished."
            : FileTypes.Of(directory) is not FileType.Missing and var type
                ? $"'{directory}' is {type.Name()}, and a model is a folder here: name a Hugging Face model folder or a run that has " +
                    "finished. 'dolmen model import' makes a folder of a .gguf file."
                : $"'{directory}' does not exist: name a Hugging Face model folder or a run that has finished.");
    }

    /// <exception cref="UserErrorException">Missing, damaged, or not a model that can be run.</exception>
    public static ModelConfig LoadConfig(string directory, ModelReading? reading = null) =>
        HuggingFaceConfig.Read(Path.Combine(directory, "config.json"), reading);

    /// <summary>The model_type under which a configuration is written.</summary>
    public static string ModelType(ModelConfig config) => HuggingFaceConfig.ModelType(config);

    /// <summary>Where text begins and ends, as far as config.json says, and generation_config.json as it is.</summary>
    public static SpecialTokenIds LoadSpecialTokenIds(string directory) =>
        HuggingFaceConfig.ReadSpecial(Path.Combine(directory, "config.json"));

    /// <summary>The ids that a model derived from the folder keeps: all that its files say, and of <paramref name="tokenizer"/>'s what they
    /// leave out. A folder with a tokenizer alone has the tokenizer's.</summary>
    public static SpecialTokenIds KeepSpecialTokenIds(string directory, SpecialTokenIds tokenizer)
    {
        if (!File.Exists(Path.Combine(directory, "config.json"))) return tokenizer;
        var own = LoadSpecialTokenIds(directory);
        return own with
        {
            Bos = own.Bos ?? tokenizer.Bos, Eos = own.Eos ?? tokenizer.Eos, Pad = own.Pad ?? tokenizer.Pad, End = tokenizer.End,
        };
    }

    /// <summary>Writes the whole folder beside its place and moves it there when complete; a model that was there before is
    /// replaced.</summary>
    /// <param name="weights">Each of the configuration's tensors once, in any order; none is held after it was taken.</param>
    /// <param name="tokenizerFiles">Paths; the files keep their names.</param>
    public static void Save(
        string directory, ModelConfig config, IEnumerable<NamedTensor> weights, ModelCard card, SpecialTokenIds special,
        IEnumerable<string> tokenizerFiles, TensorDtype dtype = TensorDtype.Float32, long maxShardBytes = MaxShardBytes)
    {
        directory = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        if (Directory.Exists(directory) && Directory.EnumerateFileSystemEntries(directory).Any()
            && !File.Exists(Path.Combine(directory, "config.json")))
        {
            throw new UserErrorException($"'{directory}' already holds something that is not a model: name an empty or a new folder.");
        }
        var staged = directory + AtomicFile.TemporarySuffix;
        if (Directory.Exists(staged)) Directory.Delete(staged, recursive: true);
        Directory.CreateDirectory(staged);
        try
        {
            WriteWeights(staged, config.Tensors(), weights, dtype, maxShardBytes);
            HuggingFaceConfig.Write(Path.Combine(staged, "config.json"), config, special, dtype);
            GenerationSettings.Write(Path.Combine(staged, GenerationSettings.FileName), special);
            AtomicFile.WriteText(Path.Combine(staged, "README.md"), card.Markdown(config, special.Bos));
            foreach (var file in tokenizerFiles) RegularFile.Copy(file, Path.Combine(staged, Path.GetFileName(file)), overwrite: true);
            Replace(staged, directory);
        }
        catch
        {
            if (Directory.Exists(staged)) Directory.Delete(staged, recursive: true);
            throw;
        }
    }

    private static void WriteWeights(string directory, IReadOnlyList<TensorShape> tensors, IEnumerable<NamedTensor> weights,
        TensorDtype dtype, long maxShardBytes)
    {
        var plan = ShardIndex.Plan(tensors, dtype.Bytes(), maxShardBytes);
        var streams = new List<FileStream>();
        try
        {
            var shardOf = new Dictionary<string, SafetensorsWriter.SafetensorsStream>(StringComparer.Ordinal);
            var shards = new List<SafetensorsWriter.SafetensorsStream>();
            foreach (var (file, shapes) in plan)
            {
                streams.Add(new FileStream(Path.Combine(directory, file), FileMode.CreateNew, FileAccess.Write));
                shards.Add(new SafetensorsWriter.SafetensorsStream(streams[^1], shapes, dtype));
                foreach (var shape in shapes) shardOf.Add(shape.Name, shards[^1]);
            }
            foreach (var weight in weights)
            {
                if (!shardOf.TryGetValue(weight.Name, out var shard))
                {
                    throw new ArgumentException($"The model has no tensor '{weight.Name}'.", nameof(weights));
                }
                shard.Put(weight);
            }
            foreach (var shard in shards) shard.Finish();
            foreach (var stream in streams) stream.Flush(flushToDisk: true);
        }
        finally
        {
            foreach (var stream in streams) stream.Dispose();
        }
        if (plan.Count > 1) ShardIndex.Write(Path.Combine(directory, ShardIndex.IndexFile), plan, dtype.Bytes());
    }

    private static void Replace(string staged, string directory)
    {
        var previous = directory + ".previous";
        if (Directory.Exists(previous)) Directory.Delete(previous, recursive: true);
        if (Directory.Exists(directory)) Directory.Move(directory, previous);
        Directory.Move(staged, directory);
        if (Directory.Exists(previous)) Directory.Delete(previous, recursive: true);
    }
}
