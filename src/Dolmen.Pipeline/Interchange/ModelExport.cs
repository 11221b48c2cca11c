using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;
using Dolmen.Inference;
using Dolmen.Tokenization;

namespace Dolmen.Pipeline.Interchange;

/// <summary>A model folder in another precision or as a GGUF file.</summary>
public static class ModelExport
{
    /// <param name="dtype">As stored when left out.</param>
    /// <param name="allowNonFinite">Takes weights that are NaN or infinite as they are.</param>
    public static TensorDtype ToFolder(
        string model, string output, TensorDtype? dtype = null, bool allowNonFinite = false, CancellationToken stop = default)
    {
        if (ModelFolder.IsGguf(model))
        {
            if (allowNonFinite) throw new UserErrorException("--allow-nan goes with a model folder: a GGUF file is read strictly.");
            return ModelImport.FromGguf(model, output, dtype, stop: stop).Dtype;
        }
        var folder = HuggingFaceFolder.Locate(model);
        var target = Path.GetFullPath(output);
        if (target == Path.GetFullPath(folder))
            throw new UserErrorException($"--out is the model itself ('{target}'): name another folder.");
        var config = HuggingFaceFolder.LoadConfig(folder);
        using var weights = CheckpointWeights.Open(folder, config, allowNonFinite);
        var written = dtype ?? weights.DtypeOf(config.Tensors()[0].Name);
        var card = new Checkpoints.ModelCard(
            Path.GetFileName(target),
            $"Exported from another folder of the same model, weights in {written.HuggingFaceName()}."
        );
        HuggingFaceFolder.Save(
            target,
            config,
            Tensors(config, weights, stop),
            card,
            Ends(folder),
            TokenizerFolder.Files.Concat(ForeignTokenizerFiles).Select(file => Path.Combine(folder, file)).Where(File.Exists),
            written
        );
        return written;
    }

    /// <param name="type">Of the matrices; as stored when left out.</param>
    public static GgmlType ToGguf(string model, string path, GgmlType? type = null, CancellationToken stop = default) =>
        ToGguf(model, path, type, _ => { }, stop);

    /// <param name="note">Called with what the format cannot hold.</param>
    /// <param name="weightsOnly">Leaves the vocabulary out, which is refused where the format cannot hold it.</param>
    /// <inheritdoc cref="ToGguf(string, string, GgmlType?, CancellationToken)"/>
    public static GgmlType ToGguf(
        string model, string path, GgmlType? type, Action<string> note, CancellationToken stop, bool weightsOnly = false)
    {
        var folder = HuggingFaceFolder.Locate(model);
        var config = HuggingFaceFolder.LoadConfig(folder);
        List<(string, GgufValue)> vocabulary = !weightsOnly && Vocabulary(folder) is { } tokenizer
            ? [.. GgufVocabulary.Of(tokenizer, config.VocabSize, GenerationSettings.Load(folder), note)]
            : [("tokenizer.ggml.model", GgufValue.Of("none"))];
        if (vocabulary.Count == 1)
        {
            note(
                "No vocabulary was written: "
                    + (weightsOnly ? "other programs run the model on token ids alone."
                        : "the model's folder holds none, or one of a kind that is not written as GGUF.")
            );
        }
        using var weights = CheckpointWeights.Open(folder, config);
        var written = type ?? weights.DtypeOf(config.Tensors()[0].Name) switch
        {
            TensorDtype.Float32 => GgmlType.F32,
            TensorDtype.Float16 => GgmlType.F16,
            _ => GgmlType.BF16,
        };
        var full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full) ?? full);
        if (config is MambaConfig { MixerNormEps: { } epsilon } mamba && epsilon != mamba.NormEps)
        {
            note($"GGUF has one epsilon for all norms: llama.cpp will use {mamba.NormEps} for those on Δ, B and C as well, where the " +
                $"model has {epsilon}.");
        }
        if (config is TransformerConfig { RopeScaling: LongRopeScaling scaling })
        {
            note("llama.cpp takes the factors for long texts for every text as soon as its context (-c) is longer than " +
                $"{scaling.OriginalContext}, where Dolmen and transformers look at the length of each text.");
        }
        GgufExport.Write(full, Name(folder), config, tensor => Read(weights, tensor, stop), vocabulary, written);
        return written;
    }

    private static Tokenizer? Vocabulary(string folder) => HasTokenizer(folder) ? TokenizerFolder.Load(folder)
        : Array.Exists(ForeignTokenizerFiles, file => File.Exists(Path.Combine(folder, file))) ? TokenizerSource.Open(folder) : null;

    /// <summary>The folder's name, or the run's where it is the model folder of one: the same wherever the file goes.</summary>
    private static string Name(string folder)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        return Path.GetFileName(full) == "model" && Path.GetFileName(Path.GetDirectoryName(full)) is { Length: > 0 } run
            ? run : Path.GetFileName(full);
    }

    private static IEnumerable<NamedTensor> Tensors(ModelConfig config, CheckpointWeights weights, CancellationToken stop) =>
        config.Tensors().Select(tensor => new NamedTensor(tensor.Name, tensor.Shape, Read(weights, tensor, stop)));

    private static float[] Read(CheckpointWeights weights, TensorShape tensor, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        var values = new float[tensor.Elements];
        weights.Read(tensor.Name, values);
        return values;
    }

    private static SpecialTokenIds Ends(string folder)
    {
        if (!HasTokenizer(folder)) return HuggingFaceFolder.LoadSpecialTokenIds(folder);
        var special = TokenizerFolder.Load(folder).Special;
        return HuggingFaceFolder.KeepSpecialTokenIds(
            folder,
            new SpecialTokenIds(Id(special.Bos), Id(special.Eos), Id(special.Pad), Id(special.End))
        );

        static int? Id(int id) => id < 0 ? null : id;
    }

    /// <summary>Vocabularies in forms that only other software reads: a model that came with one keeps it.</summary>
    private static readonly string[] ForeignTokenizerFiles = ["tokenizer.model", "vocab.json", "merges.txt"];

    private static bool HasTokenizer(string folder) => File.Exists(Path.Combine(folder, TokenizerFolder.Files[0]));
}
