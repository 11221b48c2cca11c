using Dolmen.Checkpoints.Gguf;
using Dolmen.Tokenization;

namespace Dolmen.Pipeline.Interchange;

/// <summary>A tokenizer as GGUF metadata, and back.</summary>
internal static class GgufVocabulary
{
    private const string Prefix = "tokenizer.ggml.";

    /// <summary>llama.cpp's name for the split of o200k, which is ours.</summary>
    private const string OurSplit = "gpt-4o";

    /// <summary>Writes the tokenizer's files; when it is of a kind that is not read here, says why and writes none.</summary>
    public static string? Save(GgufMetadata metadata, int vocabSize, string folder, int contextLength)
    {
        if (!metadata.Has(Prefix + "tokens")) return "the file holds no vocabulary";
        var tokens = metadata.Texts(Prefix + "tokens");
        if (tokens.Length > vocabSize)
        {
            throw metadata.Refusal(Prefix + "tokens", $"holds {tokens.Length} tokens", $"the model's embedding has only {vocabSize} rows");
        }
        var kinds = metadata.FindWholes(Prefix + "token_type") ?? [.. Enumerable.Repeat((int)PieceKind.Normal, tokens.Length)];
        var model = metadata.FindText(Prefix + "model") ?? "";
        switch (model)
        {
            case "llama":
                var scores = metadata.FindNumbers(Prefix + "scores") ?? [];
                var vocabulary = new SentencePieceVocabulary(tokens, scores, [.. kinds.Select(kind => (PieceKind)kind)],
                    metadata.FindWhole(Prefix + "bos_token_id") ?? 1, metadata.FindWhole(Prefix + "eos_token_id") ?? 2,
                    metadata.FindFlag(Prefix + "add_space_prefix") ?? true);
                TokenizerFolder.Save(SentencePieceBpeTokenizer.FromScores(vocabulary), folder, contextLength);
                return null;
            case "gpt2" when metadata.FindText(Prefix + "pre") == OurSplit && SpecialTokens.Names.All(tokens.Contains):
                TokenizerFolder.Save(BpeTokenizer.FromTexts(tokens, metadata.Texts(Prefix + "merges"),
                    [.. Enumerable.Range(0, tokens.Length).Where(id => kinds.ElementAtOrDefault(id) == (int)PieceKind.Control)]), folder, contextLength);
                return null;
            default:
                return $"its vocabulary (model '{model}', pre '{metadata.FindText(Prefix + "pre")}') is of a kind that cannot be used yet";
        }
    }

    public static IEnumerable<(string Key, GgufValue Value)> Of(Tokenizer tokenizer) => tokenizer switch
    {
        SentencePieceBpeTokenizer pieces => OfPieces(pieces),
        BpeTokenizer bytes => OfBytes(bytes),
        _ => [(Prefix + "model", GgufValue.Of("none"))],
    };

    private static IEnumerable<(string, GgufValue)> OfPieces(SentencePieceBpeTokenizer tokenizer)
    {
        yield return (Prefix + "model", GgufValue.Of("llama"));
        yield return (Prefix + "pre", GgufValue.Of("default"));
        var vocabulary = tokenizer.ToVocabulary();
        yield return (Prefix + "tokens", GgufValue.Of([.. vocabulary.Pieces]));
        yield return (Prefix + "scores", GgufValue.Of([.. vocabulary.Scores]));
        yield return (Prefix + "token_type", GgufValue.Of([.. vocabulary.Kinds.Select(kind => (int)kind)]));
        foreach (var end in Ends(tokenizer.Special.Bos, tokenizer.Special.Eos)) yield return end;
        yield return (Prefix + "add_space_prefix", GgufValue.Of(vocabulary.Prefix));
    }

    private static IEnumerable<(string, GgufValue)> OfBytes(BpeTokenizer tokenizer)
    {
        yield return (Prefix + "model", GgufValue.Of("gpt2"));
        yield return (Prefix + "pre", GgufValue.Of(OurSplit));
        var (tokens, merges) = tokenizer.ToTexts();
        yield return (Prefix + "tokens", GgufValue.Of(tokens));
        yield return (Prefix + "token_type", GgufValue.Of([.. Enumerable.Range(0, tokens.Length).Select(id =>
            (int)(tokenizer.IsSpecial(id) ? PieceKind.Control : PieceKind.Normal))]));
        yield return (Prefix + "merges", GgufValue.Of(merges));
        foreach (var end in Ends(tokenizer.Special.Bos, tokenizer.Special.Eos)) yield return end;
        yield return (Prefix + "eot_token_id", GgufValue.Of((uint)tokenizer.Special.End));
        yield return (Prefix + "padding_token_id", GgufValue.Of((uint)tokenizer.Special.Pad));
        yield return ("tokenizer.chat_template", GgufValue.Of(ChatFormat.JinjaTemplate));
    }

    private static IEnumerable<(string, GgufValue)> Ends(int bos, int eos)
    {
        if (bos >= 0) yield return (Prefix + "bos_token_id", GgufValue.Of((uint)bos));
        if (eos >= 0) yield return (Prefix + "eos_token_id", GgufValue.Of((uint)eos));
        yield return (Prefix + "add_bos_token", GgufValue.Of(bos >= 0));
        yield return (Prefix + "add_eos_token", GgufValue.Of(false));
    }
}
