using System.Globalization;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;
using Dolmen.Inference;
using Dolmen.Tokenization;

namespace Dolmen.Pipeline.Interchange;

/// <summary>A tokenizer as GGUF metadata, and back.</summary>
public static class GgufVocabulary
{
    private const string Prefix = GgufTokenizer.Prefix;

    /// <summary>llama.cpp's names for splits, of those that do the same the one that is used most.</summary>
    private static readonly string[] SplitNames =
    [
        "gpt-4o",
        "gpt-2",
        "llama-bpe",
        "qwen2",
        "starcoder",
        "falcon",
        "deepseek-llm",
        "deepseek-coder",
        "deepseek-v3",
        "tekken",
        "default",
    ];

    /// <summary>Writes the tokenizer's files; where the file has no vocabulary, says so and writes none.</summary>
    /// <exception cref="UserErrorException">A vocabulary that does not fit the model, cannot encode, or is of a kind that is not
    /// known.</exception>
    public static string? Save(GgufMetadata metadata, int vocabSize, string folder, int contextLength)
    {
        if (!GgufTokenizer.IsIn(metadata)) return "the file holds no vocabulary";
        TokenizerFolder.Save(GgufTokenizer.Read(metadata, vocabSize), folder, contextLength);
        if (metadata.FindText(GgufTokenizer.TemplateKey) is { Length: > 0 } template) TokenizerFolder.SaveChatTemplate(template, folder);
        return null;
    }

    /// <param name="rows">Of the model's embedding: llama.cpp wants a token for each, so those beyond the vocabulary get fillers.</param>
    /// <param name="settings">Where the model's texts end besides the tokenizer's end token.</param>
    /// <param name="note">Called with what the format cannot hold: some of those, and the NFC normalizer.</param>
    public static IEnumerable<(string Key, GgufValue Value)> Of(
        Tokenizer tokenizer, int rows, GenerationSettings settings, Action<string>? note = null)
    {
        if (tokenizer.VocabSize > rows)
        {
            throw new UserErrorException(
                $"The tokenizer has {tokenizer.VocabSize} tokens but the model's embedding has only {rows} rows: they "
                    + "do not belong together. Export the model with its own tokenizer."
            );
        }
        IReadOnlyList<(string, GgufValue)> keys = tokenizer switch
        {
            SentencePieceBpeTokenizer pieces => [.. OfPieces(pieces, rows), .. GgufEnds.Of(tokenizer, settings, note)],
            BpeTokenizer bytes => [.. OfBytes(bytes, rows), .. GgufEnds.Of(tokenizer, settings, note)],
            _ => [(Prefix + "model", GgufValue.Of("none"))],
        };
        if (tokenizer is BpeTokenizer { Composes: true })
            note?.Invoke(
                "GGUF has no place for the tokenizer's NFC normalizer: other programs read letters with separate accents as other tokens. "
                    + "Bring such text into the form NFC before it goes there."
            );
        return keys;
    }

    private static IEnumerable<(string, GgufValue)> OfPieces(SentencePieceBpeTokenizer tokenizer, int rows)
    {
        if (tokenizer.OnlyInItsFile is { } only) throw CannotSay(only);
        yield return (Prefix + "model", GgufValue.Of("llama"));
        yield return (Prefix + "pre", GgufValue.Of("default"));
        var vocabulary = tokenizer.ToVocabulary();
        var fillers = Enumerable.Range(tokenizer.VocabSize, rows - tokenizer.VocabSize).ToArray();
        yield return (Prefix + "tokens", GgufValue.Of([.. vocabulary.Pieces, .. fillers.Select(Filler)]));
        yield return (Prefix + "scores", GgufValue.Of([.. vocabulary.Scores, .. fillers.Select(_ => -1e9f)]));
        yield return (Prefix + "token_type",
            GgufValue.Of([.. vocabulary.Kinds.Select(kind => (int)kind), .. fillers.Select(_ => (int)PieceKind.Unused)]));
        foreach (var end in Ends(tokenizer)) yield return end;
        yield return (Prefix + "add_space_prefix", GgufValue.Of(vocabulary.Prefix));
    }

    private static IEnumerable<(string, GgufValue)> OfBytes(BpeTokenizer tokenizer, int rows)
    {
        var split = SplitName(tokenizer);
        if (tokenizer.OnlyInItsFile(GgufTokens.TakesWholePieces(split)) is { } only) throw CannotSay(only);
        yield return (Prefix + "model", GgufValue.Of("gpt2"));
        yield return (Prefix + "pre", GgufValue.Of(split));
        var (tokens, merges) = tokenizer.ToTexts();
        tokens = [.. tokens, .. Enumerable.Repeat("", rows - tokens.Length)];
        var kinds = new int[rows];
        for (var id = 0; id < tokens.Length; id++)
        {
            kinds[id] = (int)(tokens[id].Length == 0 ? PieceKind.Unused : PieceKind.Normal);
            if (tokens[id].Length == 0) tokens[id] = Filler(id);
        }
        foreach (var token in tokenizer.Added) kinds[token.Id] = (int)(token.Special ? PieceKind.Control : PieceKind.UserDefined);
        yield return (Prefix + "tokens", GgufValue.Of(tokens));
        yield return (Prefix + "token_type", GgufValue.Of(kinds));
        yield return (Prefix + "merges", GgufValue.Of(merges));
        foreach (var end in Ends(tokenizer)) yield return end;
        if (tokenizer.Special.Pad >= 0) yield return (Prefix + "padding_token_id", GgufValue.Of((uint)tokenizer.Special.Pad));
    }

    private static UserErrorException CannotSay(string only) => new(
        $"The tokenizer cannot be written as GGUF: {only}, and GGUF has no way to say so. Export the model as a Hugging "
            + "Face folder, or its weights alone (--weights-only).");

    /// <summary>What llama.cpp's converter calls a row that no token has.</summary>
    private static string Filler(int id) => $"[PAD{id.ToString(CultureInfo.InvariantCulture)}]";

    private static string SplitName(BpeTokenizer tokenizer)
    {
        if (tokenizer.Split.Pattern == PreTokenizer.O200k.Pattern) return SplitNames[0];
        return SplitNames.FirstOrDefault(name => PreTokenizer.ByName(name)?.Pattern == tokenizer.Split.Pattern)
            ?? throw new UserErrorException(
                $"The tokenizer cuts text by the pattern {tokenizer.Split.Pattern}, for which GGUF has no name: it has "
                    + $"{string.Join(", ", SplitNames)}. Export the model as a Hugging Face folder."
            );
    }

    private static IEnumerable<(string, GgufValue)> Ends(Tokenizer tokenizer)
    {
        var special = tokenizer.Special;
        if (special.Bos >= 0) yield return (Prefix + "bos_token_id", GgufValue.Of((uint)special.Bos));
        yield return (Prefix + "add_bos_token", GgufValue.Of(tokenizer.Before.Count > 0));
        yield return (Prefix + "add_eos_token", GgufValue.Of(tokenizer.After.Count > 0));
        if (ChatFormat.SourceOf(tokenizer) is { } template) yield return (GgufTokenizer.TemplateKey, GgufValue.Of(template));
    }
}
