using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;
using Dolmen.Inference;
using Dolmen.Tokenization;

namespace Dolmen.Pipeline.Interchange;

/// <param name="Note">What was left out and why; null where nothing was.</param>
public sealed record ImportedModel(ModelConfig Config, TensorDtype Dtype, string? Note);

/// <summary>Other software's model files as Hugging Face folders.</summary>
public static class ModelImport
{
    /// <param name="dtype">Of the folder; that of the file when left out, float32 for a quantised one.</param>
    /// <param name="weightsOnly">The file's vocabulary is left out.</param>
    /// <exception cref="UserErrorException">Besides a damaged file: a vocabulary that cannot be used. Without it, or with another, the
    /// model's text would be wrong.</exception>
    public static ImportedModel FromGguf(
        string path, string output, TensorDtype? dtype = null, bool weightsOnly = false, CancellationToken stop = default)
    {
        using var model = GgufModel.Open(path);
        var written = dtype ?? model.Dtype ?? TensorDtype.Float32;
        var metadata = model.File.Metadata;
        var special = GgufTokenizer.Special(metadata);
        var note = WithTokenizer(
            folder => weightsOnly ? "only the weights were asked for"
                : GgufVocabulary.Save(metadata, model.Config.VocabSize, folder, model.Config.ContextLength),
            files => HuggingFaceFolder.Save(output, model.Config, model.Tensors(stop), Card(output, path), special, files, written));
        return new ImportedModel(model.Config, written, note is null ? null : $"No tokenizer was written: {note}.");
    }

    /// <param name="tokenizerPath">llama2.c's tokenizer file of the same vocabulary.</param>
    public static ImportedModel FromLlama2C(string path, string tokenizerPath, string output, TensorDtype dtype = TensorDtype.Float32)
    {
        using var model = Llama2CFile.Open(path);
        var tokenizer = SentencePieceBpeTokenizer.FromScores(SentencePieceVocabulary.ReadLlama2C(tokenizerPath, model.Config.VocabSize));
        WithTokenizer(
            folder =>
            {
                TokenizerFolder.Save(tokenizer, folder, model.Config.ContextLength);
                return null;
            },
            files => HuggingFaceFolder.Save(output, model.Config, model.Tensors(), Card(output, path),
                new SpecialTokenIds(tokenizer.Special.Bos, tokenizer.Special.Eos, null, null), files, dtype));
        return new ImportedModel(model.Config, dtype, null);
    }

    private static string? WithTokenizer(Func<string, string?> write, Action<IEnumerable<string>> save)
    {
        var folder = Directory.CreateTempSubdirectory("dolmen-import-").FullName;
        try
        {
            var note = write(folder);
            save(Directory.GetFiles(folder));
            return note;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Checkpoints.ModelCard Card(string output, string source) =>
        new(Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(output))), $"Converted from {Path.GetFileName(source)}.");
}
