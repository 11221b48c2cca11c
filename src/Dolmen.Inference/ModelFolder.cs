using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;
using Dolmen.Tokenization;

namespace Dolmen.Inference;

/// <summary>Opens what a user names with --model: a Hugging Face folder, a finished run or stage that contains one as <c>model/</c>, or a
/// GGUF file.</summary>
public static class ModelFolder
{
    /// <exception cref="UserErrorException">No model there, or an incomplete, damaged or unsupported one.</exception>
    public static (LanguageModel Model, Tokenizer Tokenizer) Load(
        string path, int? threads = null, WeightPrecision precision = WeightPrecision.Stored, KvPrecision kept = KvPrecision.Automatic)
    {
        if (IsGguf(path)) return LoadGguf(path, threads, precision, kept);
        var folder = HuggingFaceFolder.Locate(path);
        var tokenizer = TokenizerFolder.Load(folder);
        var config = HuggingFaceFolder.LoadConfig(folder);
        // Vocabularies may be padded in the model, never the other way round: its embedding would have no row for a token.
        if (tokenizer.VocabSize > config.VocabSize)
        {
            throw new UserErrorException(
                $"'{folder}' mixes two models: its tokenizer has {tokenizer.VocabSize} tokens but its config.json has vocab_size " +
                    $"{config.VocabSize}. Export or fetch the model again.");
        }
        EndTexts(tokenizer, GenerationSettings.Load(folder));
        return (LoadModel(folder, threads, precision, kept), tokenizer);
    }

    public static bool IsGguf(string path) =>
        Path.GetExtension(path).Equals(".gguf", StringComparison.OrdinalIgnoreCase) && File.Exists(path);

    /// <summary>The GGUF file itself, or the folder that holds the model.</summary>
    public static string Locate(string path) => IsGguf(path) ? path : HuggingFaceFolder.Locate(path);

    /// <summary>What kind of model it is.</summary>
    public static ModelConfig Config(string path)
    {
        if (!IsGguf(path)) return HuggingFaceFolder.LoadConfig(HuggingFaceFolder.Locate(path));
        using var file = GgufModel.Open(path);
        return file.Config;
    }

    /// <summary>What the model says of how it is to be sampled.</summary>
    public static GenerationSettings Settings(string path)
    {
        if (!IsGguf(path)) return GenerationSettings.Load(HuggingFaceFolder.Locate(path));
        using var file = GgufFile.Open(path);
        return GgufTokenizer.Settings(file.Metadata);
    }

    /// <summary>The model alone, for what works on token ids.</summary>
    public static LanguageModel LoadModel(string path, int? threads = null, WeightPrecision precision = WeightPrecision.Stored,
        KvPrecision kept = KvPrecision.Automatic)
    {
        if (IsGguf(path))
        {
            using var file = GgufModel.Open(path);
            return DecoderModel.Load(file, threads, precision, kept);
        }
        var folder = HuggingFaceFolder.Locate(path);
        return HuggingFaceFolder.LoadConfig(folder) switch
        {
            DecoderConfig { Head: null } decoder => DecoderModel.Load(folder, decoder, threads, precision, kept),
            DecoderConfig => throw new UserErrorException(
                $"'{folder}' holds a model that scores or classifies texts: it has no logits of tokens, so it cannot continue a text. Name "
                    + "a language model."
            ),
            Seq2SeqConfig or EncoderDecoderConfig => EncoderDecoderModel.Load(folder, threads, precision),
            var other => throw new UserErrorException($"'{folder}' holds a {other.GetType().Name}, which this engine cannot run yet."),
        };
    }

    private static (LanguageModel, Tokenizer) LoadGguf(string path, int? threads, WeightPrecision precision, KvPrecision kept)
    {
        using var file = GgufModel.Open(path);
        var tokenizer = GgufTokenizer.Read(file.File.Metadata, file.Config.VocabSize);
        EndTexts(tokenizer, GgufTokenizer.Settings(file.File.Metadata));
        return (DecoderModel.Load(file, threads, precision, kept), tokenizer);
    }

    private static void EndTexts(Tokenizer tokenizer, GenerationSettings settings)
    {
        tokenizer.EndAt(settings.AllEnds);
        if (TurnEnd.Of(tokenizer) is { } turn) tokenizer.EndAt([turn]);
    }
}
