using System.Globalization;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>A vocabulary as GGUF's metadata hold it; null is what a file does not say.</summary>
/// <param name="File">For complaints.</param>
/// <param name="Model">llama for SentencePiece's BPE, gpt2 for byte-level BPE.</param>
/// <param name="Split">llama.cpp's name for the way text is cut.</param>
internal sealed record GgufTokens(
    string File, string Model, string? Split, IReadOnlyList<string> Tokens, IReadOnlyList<float> Scores, IReadOnlyList<PieceKind> Kinds,
    IReadOnlyList<string> Merges, int? Bos = null, int? Eos = null, int? Padding = null, bool? AddsBos = null, bool? AddsEos = null,
    bool? AddsSpace = null, string? ChatTemplate = null)
{
    /// <summary>Splits whose vocabularies take a piece that is a token as it is.</summary>
    private static readonly HashSet<string> WholePieces =
        new(StringComparer.Ordinal) { "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "tekken" };

    private static readonly HashSet<string> BeginWithBos =
        new(StringComparer.Ordinal) { "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "tekken" };

    /// <summary>Whether llama.cpp takes a piece that is a token as that token, by its name for the split.</summary>
    public static bool TakesWholePieces(string split) => WholePieces.Contains(split);

    /// <exception cref="UserErrorException">Damaged, or of a kind that is not read.</exception>
    public Tokenizer Build()
    {
        foreach (var (name, id) in (ReadOnlySpan<(string, int?)>)[("bos", Bos), ("eos", Eos), ("padding", Padding)])
            if (id >= Tokens.Count) throw Bad($"{name}_token_id is {id}, yet it has {Tokens.Count} tokens");
        if (Kinds.Count != Tokens.Count) throw Bad($"it has {Tokens.Count} tokens but {Kinds.Count} types, "
            + "without which bytes and special tokens cannot be told from text");
        if (Model == "llama") CheckScores();
        Tokenizer tokenizer = Model switch
        {
            "llama" => SentencePieceBpeTokenizer.FromScores(new SentencePieceVocabulary(
                [.. Tokens], Scores, Kinds, Bos ?? 1, Eos ?? 2, AddsSpace ?? true, AddsBos ?? true, AddsEos ?? false)),
            "gpt2" => Bytes(),
            _ => throw Unknown($"it is of the model '{Model}' and Dolmen reads 'llama' and 'gpt2'"),
        };
        if (ChatTemplate is { Length: > 0 } template)
        {
            tokenizer.Template = new Lazy<ChatTemplate?>(
                () => Tokenization.ChatTemplate.Parse(template, ControlTokens(tokenizer), $"{File}: tokenizer.chat_template"));
        }
        return tokenizer;
    }

    /// <summary>What <c>bos_token</c> and the like stand for in a chat template.</summary>
    private static Dictionary<string, string> ControlTokens(Tokenizer tokenizer)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        var special = tokenizer.Special;
        foreach (var (name, id) in (ReadOnlySpan<(string, int)>)[("bos_token", special.Bos), ("eos_token", special.Eos),
            ("pad_token", special.Pad), ("unk_token", (tokenizer as SentencePieceTokenizer)?.Unknown ?? -1)])
        {
            if (tokenizer.Added.FirstOrDefault(token => token.Id == id && token.Special) is { } token) names[name] = token.Content;
        }
        return names;
    }

    // llama.cpp spells the contractions of gpt-4o out; o200k's own file ignores case as Unicode does, which lets a long s be one.
    private static PreTokenizer? SplitNamed(string name) => name == "gpt-4o" ? PreTokenizer.O200k : PreTokenizer.ByName(name);

    private BpeTokenizer Bytes()
    {
        // Where the cut is not named, llama.cpp takes this one.
        var name = Split ?? "default";
        var split = SplitNamed(name) ?? throw Unknown(
            $"its split '{name}' is not one that Dolmen knows: {string.Join(", ", PreTokenizer.Names.Order(StringComparer.Ordinal))}");
        var (bytes, added, ids) = (new byte[Tokens.Count][], new List<AddedToken>(), new Dictionary<string, int>(StringComparer.Ordinal));
        for (var id = 0; id < bytes.Length; id++)
        {
            bytes[id] = [];
            if (IsFiller(id)) continue;
            if (Kinds[id] is PieceKind.Control or PieceKind.UserDefined or PieceKind.Unknown)
            {
                bytes[id] = Encoding.UTF8.GetBytes(Tokens[id]);
                added.Add(new AddedToken(Tokens[id], id, Special: Kinds[id] != PieceKind.UserDefined));
                continue;
            }
            bytes[id] = ByteAlphabet.ToBytes(Tokens[id]) is { Length: > 0 } value ? value
                : throw Bad($"token {id}, '{Tokens[id]}', is not written in the characters of byte-level vocabularies");
            if (!ids.TryAdd(Tokens[id], id)) throw Bad($"it holds the token '{Tokens[id]}' twice, as {ids[Tokens[id]]} and {id}");
        }
        var merges = ReadMerges(ids);
        if (merges.Length == 0 && ids.Values.FirstOrDefault(id => bytes[id].Length > 1, -1) is var whole and >= 0)
            throw Bad($"token {whole}, '{Tokens[whole]}', has several bytes, yet merges are missing");
        ByteLevel.CheckBytes(bytes, added, Bad);
        ByteLevel.CheckMerges(bytes, merges, WholePieces.Contains(name), added, Bad);
        var (eos, bos) = (Eos ?? -1, Bos ?? Eos ?? -1);
        int[] before = (AddsBos ?? BeginWithBos.Contains(name)) && Bos is { } first ? [first] : [];
        int[] after = AddsEos == true && Eos is { } last ? [last] : [];
        return new BpeTokenizer(
            new Vocabulary(bytes, added, Special(ids: added, bos, eos), Before: before, After: after),
            merges, new BpeRules(split, WholePieces.Contains(name)));
    }

    /// <summary>SentencePiece joins the pair whose piece has the best score: without scores, or with equal ones, nothing says
    /// which.</summary>
    private void CheckScores()
    {
        if (Scores.Count == 0) throw Bad("it has no scores, without which text cannot be encoded");
        if (Scores.Count != Tokens.Count) throw Bad($"it has {Tokens.Count} tokens but {Scores.Count} scores");
        var longer = Enumerable.Range(0, Tokens.Count)
            .Where(id => Kinds[id] == PieceKind.Normal && Tokens[id].Length > 1).ToArray();
        if (longer.Length > 1 && longer.All(id => Scores[id] == Scores[longer[0]]))
            throw Bad($"all its scores are {Scores[longer[0]]}, which puts no pair before another");
        var bytes = Enumerable.Range(0, Tokens.Count).Count(id => Kinds[id] == PieceKind.Byte);
        if (bytes < 256 && !Kinds.Contains(PieceKind.Unknown))
            throw Bad($"it has {bytes} of the 256 byte tokens and no unknown token: there is text that cannot be encoded");
    }

    private SpecialTokens Special(List<AddedToken> ids, int bos, int eos) =>
        SpecialTokens.Find(name => ids.Find(token => token.Content == name)?.Id ?? -1)
        ?? new SpecialTokens(bos, eos, Padding ?? eos, -1, -1, -1, eos);

    private BpeMerge[] ReadMerges(Dictionary<string, int> ids)
    {
        var (merges, seen) = (new BpeMerge[Merges.Count], new HashSet<(int, int)>());
        for (var i = 0; i < merges.Length; i++)
        {
            var cut = Merges[i].IndexOf(' ', 1 < Merges[i].Length ? 1 : 0);
            if (cut <= 0 || !ids.TryGetValue(Merges[i][..cut], out var left) || !ids.TryGetValue(Merges[i][(cut + 1)..], out var right)
                || !ids.TryGetValue(Merges[i][..cut] + Merges[i][(cut + 1)..], out var result))
                throw Bad($"merge {i}, '{Merges[i]}', names a token that is not there");
            if (!seen.Add((left, right))) throw Bad($"merge {i}, '{Merges[i]}', comes a second time");
            merges[i] = new BpeMerge(left, right, result);
        }
        return merges;
    }

    /// <summary>Rows that a model's embedding was rounded up by.</summary>
    private bool IsFiller(int id) => Kinds[id] == PieceKind.Unused || Tokens[id] == $"[PAD{id.ToString(CultureInfo.InvariantCulture)}]";

    private UserErrorException Unknown(string what) =>
        new(
            $"The vocabulary of {File} cannot be used: {what}. Take the model's Hugging Face folder "
                + "instead ('dolmen model pull'), or its weights alone ('dolmen model import --weights-only')."
        );

    private UserErrorException Bad(string what) =>
        new($"The vocabulary of {File} cannot be used: {what}. Convert or fetch the model again.");
}
