using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;
using Dolmen.Tokenization;

namespace Dolmen.Inference;

/// <summary>The tokenizer that a GGUF file holds, its chat template, and where its texts end.</summary>
internal static class GgufTokenizer
{
    public const string Prefix = "tokenizer.ggml.", TemplateKey = "tokenizer.chat_template", TurnKey = Prefix + "eot_token_id",
        MessageKey = Prefix + "eom_token_id", SuppressedKey = Prefix + "suppress_tokens";

    private const string HarmonyEnd = "<|end|>";

    /// <summary>The texts at which llama.cpp (src/llama-vocab.cpp) ends a generation.</summary>
    public static IReadOnlySet<string> EndTexts { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "<|eot_id|>",
        "<|im_end|>",
        HarmonyEnd,
        "<|return|>",
        "<|call|>",
        "<|flush|>",
        "<|calls|>",
        "<end_of_turn>",
        "<|endoftext|>",
        "</s>",
        "<|eom_id|>",
        "<EOT>",
        "_<EOT>",
        "[EOT]",
        "[EOS]",
        "<|end_of_text|>",
        "<end_of_utterance>",
        "<eos>",
        "<turn|>",
        "<|tool_response>",
        "<｜end▁of▁sentence｜>",
        "[e~[",
        // Paddings and separators of code files.
        "<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]", "<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>",
        "<|file_sep|>",
    };

    /// <exception cref="UserErrorException">The file holds no vocabulary, a damaged one, or one of another kind.</exception>
    public static Tokenizer Load(string path)
    {
        using var file = GgufFile.Open(path);
        return Read(file.Metadata);
    }

    public static bool IsIn(GgufMetadata metadata) => metadata.Has(Prefix + "tokens");

    /// <param name="rows">Of the model's embedding: a vocabulary with more tokens is refused.</param>
    /// <inheritdoc cref="Load"/>
    public static Tokenizer Read(GgufMetadata metadata, int rows = int.MaxValue)
    {
        if (!IsIn(metadata))
        {
            throw new UserErrorException($"{metadata.File} holds no vocabulary: its metadata have no {Prefix}tokens. Name another file.");
        }
        var tokens = metadata.Texts(Prefix + "tokens");
        var model = metadata.FindText(Prefix + "model") ?? "";
        if (model == "gpt2" && !metadata.Has(Prefix + "merges"))
        {
            throw metadata.Refusal(Prefix + "merges", "is missing",
                "without it, a vocabulary of the model 'gpt2' can only encode single bytes. Convert or fetch the model again");
        }
        if (tokens.Length > rows)
        {
            throw metadata.Refusal(
                Prefix + "tokens", $"holds {tokens.Length} tokens", $"the model's embedding has only {rows} rows");
        }
        return new GgufTokens(
            $"'{metadata.File}'", model, metadata.FindText(Prefix + "pre"), tokens,
            metadata.FindNumbers(Prefix + "scores") ?? [],
            [.. (metadata.FindInt32s(Prefix + "token_type") ?? []).Select(kind => (PieceKind)kind)],
            metadata.Has(Prefix + "merges") ? metadata.Texts(Prefix + "merges") : [],
            metadata.FindInt32(Prefix + "bos_token_id"),
            metadata.FindInt32(Prefix + "eos_token_id"),
            metadata.FindInt32(Prefix + "padding_token_id"),
            metadata.FindFlag(Prefix + "add_bos_token"),
            metadata.FindFlag(Prefix + "add_eos_token"),
            metadata.FindFlag(Prefix + "add_space_prefix"),
            metadata.FindText(TemplateKey)
        ).Build();
    }

    /// <summary>Where texts begin and end, by the file's keys and by the tokens that llama.cpp knows as ends.</summary>
    public static SpecialTokenIds Special(GgufMetadata metadata) => new(
        metadata.FindInt32(Prefix + "bos_token_id"), metadata.FindInt32(Prefix + "eos_token_id"),
        metadata.FindInt32(Prefix + "padding_token_id"), End: null)
    {
        EndOfTurn = metadata.FindInt32(TurnKey), EndOfMessage = metadata.FindInt32(MessageKey), MoreEnds = EndsByText(metadata),
        Suppressed = metadata.FindInt32s(SuppressedKey) ?? [],
    };

    /// <summary>What a folder made of the file would say.</summary>
    public static GenerationSettings Settings(GgufMetadata metadata)
    {
        var special = Special(metadata);
        return new GenerationSettings([.. special.AllEnds.Distinct()])
        {
            EndOfTurn = special.EndOfTurn, EndOfMessage = special.EndOfMessage, Suppressed = special.Suppressed,
        };
    }

    /// <summary>Ids of the vocabulary that llama.cpp ends at for their text, ascending.</summary>
    internal static IReadOnlyList<int> EndsByText(GgufMetadata metadata)
    {
        if (!metadata.Has(Prefix + "tokens")) return [];
        var tokens = metadata.Texts(Prefix + "tokens");
        // In a vocabulary with both ends of an answer, <|end|> only ends a part of it.
        var parts =
            (tokens.Contains("<|return|>") && tokens.Contains("<|call|>"))
            || (tokens.Contains("<|calls|>") && tokens.Contains("<|flush|>"));
        return [.. Enumerable.Range(0, tokens.Length).Where(id => EndTexts.Contains(tokens[id]) && !(parts && tokens[id] == HarmonyEnd))];
    }
}
