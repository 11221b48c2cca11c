using System.Text.Json;

namespace Dolmen.Tokenization;

/// <summary>SentencePiece vocabularies out of a tokenizer.json: BPE as Llama, Mistral and Gemma have it, and Unigram.</summary>
internal static class SentencePieceJsonReader
{
    private const string Rule = "Dolmen reads BPE and Unigram; other tokenizers cannot be used yet";

    private static readonly string Space = SentencePieceTokenizer.Space.ToString();

    public static SentencePieceTokenizer Read(JsonField root, TokenNames names)
    {
        var model = root.Get("model");
        var type = model.IsAbsent("type")
            ? model.Get("vocab").Element.ValueKind == JsonValueKind.Array
                ? "Unigram"
                : "BPE"
            : model.Get("type").Text();
        return type switch
        {
            "BPE" => Bpe(root, model, names),
            "Unigram" => Unigram(root, model, names),
            _ => throw model.Get("type").Error($"is '{type}': {Rule}"),
        };
    }

    private static SentencePieceBpeTokenizer Bpe(JsonField root, JsonField model, TokenNames names)
    {
        JsonBpe.Check(model);
        var vocabulary = JsonBpe.Vocabulary(root, model);
        var prefix = JsonBpe.Text(model, "continuing_subword_prefix");
        var merges = vocabulary.Merges(model.Get("merges"), prefix);
        var unknown = -1;
        if (JsonBpe.Text(model, "unk_token") is { Length: > 0 } name && (unknown = vocabulary.Find(name)) < 0)
            throw model.Get("unk_token").Error($"is '{name}', which is not in the vocabulary");
        CheckMerges(vocabulary, merges, model);
        var (shared, rules) = Shared(root, vocabulary, names, new PieceRules(
            unknown, SpacePrefix.Never, FallsBack: JsonBpe.Flag(model, "byte_fallback"), FusesUnknown: JsonBpe.Flag(model, "fuse_unk"),
            WordPrefix: prefix, WordSuffix: JsonBpe.Text(model, "end_of_word_suffix")));
        return new SentencePieceBpeTokenizer(Pieces(vocabulary), merges, shared, rules, wholePieces: JsonBpe.WholePieces(model));
    }

    /// <summary>Half a file's merges lost would encode, into the wrong tokens.</summary>
    private static void CheckMerges(JsonVocabulary vocabulary, BpeMerge[] merges, JsonField model)
    {
        var reached = merges.Select(merge => merge.Result).Concat(vocabulary.Added.Select(token => token.Id)).ToHashSet();
        var (prefix, suffix) = (JsonBpe.Text(model, "continuing_subword_prefix").Length, JsonBpe.Text(model, "end_of_word_suffix").Length);
        int[] lost =
        [
            .. Enumerable
                .Range(0, vocabulary.Texts.Length)
                .Where(id =>
                    vocabulary.Texts[id] is { } text
                    && text.Length > 2 + prefix + suffix
                    && SentencePieceTokenizer.ByteOf(text) is null
                    && !reached.Contains(id)
                ),
        ];
        if (
            merges.Length == 0
                ? lost.Length > 0
                : !JsonBpe.WholePieces(model) && lost.Length > 16 && lost.Length * 2 > vocabulary.Texts.Length
        )
            throw model
                .Get("merges")
                .Error(
                    $"makes {merges.Length} tokens, yet {lost.Length} of {vocabulary.Texts.Length} are made by none, such as "
                        + $"'{vocabulary.Texts[lost[0]]}' with the id {lost[0]}: merges are missing"
                );
    }

    private static UnigramTokenizer Unigram(JsonField root, JsonField model, TokenNames names)
    {
        model.Only("type", "unk_id", "vocab", "byte_fallback");
        var field = model.Get("vocab");
        var scores = new List<double>();
        var entries = field
            .Items()
            .Select(
                (item, id) =>
                {
                    var parts = item.Items().ToArray();
                    if (parts.Length != 2)
                        throw item.Error($"has {parts.Length} parts: a piece has its text and its score");
                    if (
                        parts[1].Element.ValueKind != JsonValueKind.Number
                        || !parts[1].Element.TryGetDouble(out var score)
                        || !double.IsFinite(score)
                    )
                        throw parts[1].Error($"is {parts[1].Element.GetRawText()}: a score is a finite number");
                    scores.Add(score);
                    return (
                        parts[0].Text(),
                        id < BpeTokenizer.LargestVocabSize
                            ? id
                            : throw field.Error($"has more than {BpeTokenizer.LargestVocabSize} pieces"),
                        item
                    );
                }
            );
        var vocabulary = JsonVocabulary.Of(field, entries, JsonSteps.Added(root));
        if (scores.Count > 16 && scores.Distinct().Count() == 1)
            throw field.Error(
                $"gives all {scores.Count} pieces the score {scores[0]}: scores are missing, and without them text cannot be cut"
            );
        var unknown = model.IsAbsent("unk_id") ? -1 : model.Get("unk_id").Number(Math.Max(1, scores.Count));
        var leaveOut = vocabulary.Added.Where(token => token.Special).Select(token => token.Id).ToHashSet();
        for (var id = scores.Count; id < vocabulary.Texts.Length; id++) leaveOut.Add(id);
        var (shared, rules) = Shared(root, vocabulary, names, new PieceRules(
            unknown, SpacePrefix.Never, FallsBack: JsonBpe.Flag(model, "byte_fallback"), MustKnow: true));
        return new UnigramTokenizer(
            Pieces(vocabulary),
            [.. scores, .. new double[vocabulary.Texts.Length - scores.Count]],
            leaveOut,
            shared,
            rules,
            ranked: scores.Count
        );
    }

    private static string[] Pieces(JsonVocabulary vocabulary) => Array.ConvertAll(vocabulary.Texts, text => text ?? "");

    private static (Vocabulary, PieceRules) Shared(JsonField root, JsonVocabulary vocabulary, TokenNames names, PieceRules rules)
    {
        var (before, after) = JsonSteps.Template(root);
        var special = vocabulary.Special(names, before);
        var normalizers = JsonSteps.Of(root, "normalizer", "normalizers").ToArray();
        var normalizer = JsonSteps.Normalizer(normalizers);
        var steps = JsonSteps.Of(root, "pre_tokenizer", "pretokenizers").Select(Step).ToArray();
        var decoder = new TokenDecoder(JsonDecoder.Steps(root), JsonDecoder.Texts(Pieces(vocabulary), vocabulary.Added, normalizer));
        return (new Vocabulary([], vocabulary.Added, special, normalizer, before, after, decoder),
            rules with { Prefix = Prefix(root, normalizers), Steps = steps, OnlyHere = OnlyHere(root, normalizers, rules) });
    }

    /// <summary>GGUF's SentencePiece vocabularies write spaces as '▁', put one before a text or do not, and fall back to bytes.</summary>
    private static string? OnlyHere(JsonField root, JsonField[] normalizers, PieceRules rules)
    {
        if (normalizers.FirstOrDefault(step => !IsPrefix(step) && !ReplacesSpaces(step)) is { File: not null } other)
            return $"its normalizer has the step {other.Get("type").Text()}";
        var cut = JsonSteps
            .Of(root, "pre_tokenizer", "pretokenizers")
            .FirstOrDefault(step => step.Get("type").Text() != "Metaspace" && !CutsAtSpaces(step));
        if (cut.File is not null)
            return $"its pre_tokenizer has the step {cut.Get("type").Text()}";
        if (rules.WordPrefix.Length + rules.WordSuffix.Length > 0)
            return "its words have a prefix or suffix";
        return rules.FallsBack ? null : "it does not fall back to bytes (byte_fallback is false)";
    }

    private static bool IsPrefix(JsonField step) => step.Get("type").Text() == "Prepend" && step.Get("prepend").Text() == Space;

    private static bool ReplacesSpaces(JsonField step) => step.Get("type").Text() == "Replace" && !step.Get("pattern").IsAbsent("String")
        && step.Get("pattern").Get("String").Text() == " " && step.Get("content").Text() == Space;

    /// <summary>As Gemma's files do, whose normalizer has left no space.</summary>
    private static bool CutsAtSpaces(JsonField step) => step.Get("type").Text() == "Split" && !step.Get("pattern").IsAbsent("String")
        && step.Get("pattern").Get("String").Text() == " ";

    private static PieceStep Step(JsonField step)
    {
        var type = step.Get("type");
        switch (type.Text())
        {
            case "Metaspace":
                return new MetaspacePieceStep(
                    JsonSteps.Replacement(step),
                    JsonSteps.Scheme(step),
                    step.IsAbsent("split") || step.Get("split").Flag()
                );
            case "ByteLevel":
                return new ByteLevelPieceStep(
                    step.IsAbsent("add_prefix_space") || step.Get("add_prefix_space").Flag(),
                    step.IsAbsent("use_regex") || step.Get("use_regex").Flag()
                );
            default:
                return new SplitPieceStep(JsonSteps.Cut(step) ?? throw type.Error($"is '{type.Text()}': {JsonBpe.CutRule}"));
        }
    }

    /// <summary>Whether a text gets a space before it, which is all that GGUF can say of the steps.</summary>
    private static SpacePrefix Prefix(JsonField root, JsonField[] normalizers)
    {
        if (Array.Exists(normalizers, IsPrefix))
            return SpacePrefix.EverySection;
        var metaspace = JsonSteps
            .Of(root, "pre_tokenizer", "pretokenizers")
            .Where(step => step.Get("type").Text() == "Metaspace")
            .ToArray();
        return metaspace.Length == 0 ? SpacePrefix.Never : JsonSteps.Scheme(metaspace[0]);
    }
}
