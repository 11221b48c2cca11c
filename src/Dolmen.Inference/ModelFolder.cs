using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Tokenization;

namespace Dolmen.Inference;

/// <summary>Opens what a user names with --model.</summary>
public static class ModelFolder
{
    /// <param name="directory">A Hugging Face folder, or a finished run or stage that contains one as <c>model/</c>.</param>
    /// <exception cref="UserErrorException">No model there, or an incomplete, damaged or unsupported one.</exception>
    public static (LanguageModel Model, Tokenizer Tokenizer) Load(string directory, int? threads = null)
    {
        var folder = HuggingFaceFolder.Locate(directory);
        var tokenizer = TokenizerFolder.Load(folder);
        var config = HuggingFaceFolder.LoadConfig(folder);
        // Vocabularies may be padded in the model, never the other way round: its embedding would have no row for a token.
        if (tokenizer.VocabSize > config.VocabSize)
        {
            throw new UserErrorException(
                $"'{folder}' mixes two models: its tokenizer has {tokenizer.VocabSize} tokens but its config.json has vocab_size " +
                    $"{config.VocabSize}. Export or fetch the model again.");
        }
        tokenizer.EndAt(GenerationSettings.Load(folder).AllEnds);
        if (TurnEnd.Of(tokenizer) is { } turn) tokenizer.EndAt([turn]);
        return (LoadModel(folder, threads), tokenizer);
    }

    /// <summary>What the model's folder says of how it is to be sampled.</summary>
    public static GenerationSettings Settings(string directory) => GenerationSettings.Load(HuggingFaceFolder.Locate(directory));

    /// <summary>The model alone, for what works on token ids.</summary>
    public static LanguageModel LoadModel(string directory, int? threads = null)
    {
        var folder = HuggingFaceFolder.Locate(directory);
        return HuggingFaceFolder.LoadConfig(folder) switch
        {
            DecoderConfig { Head: null } decoder => DecoderModel.Load(folder, decoder, threads),
            DecoderConfig => throw new UserErrorException(
                $"'{folder}' holds a model that scores or classifies texts: it has no logits of tokens, so it cannot continue a text. Name "
                    + "a language model."
            ),
            Seq2SeqConfig or EncoderDecoderConfig => EncoderDecoderModel.Load(folder, threads),
            var other => throw new UserErrorException($"'{folder}' holds a {other.GetType().Name}, which this engine cannot run yet."),
        };
    }
}
