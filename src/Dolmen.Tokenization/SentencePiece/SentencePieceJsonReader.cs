using System.Text.Json;

namespace Dolmen.Tokenization;

/// <summary>SentencePiece vocabularies out of a tokenizer.json: BPE as Llama, Mistral and Gemma have it, and Unigram.</summary>
internal static class SentencePieceJsonReader
{
    private const string Rule = "Dolmen reads byte-level BPE, and BPE or Unigram with '▁' for a space; other tokenizers cannot be used yet";

    private static readonly string Space = SentencePieceTokenizer.Space.ToString();

    public static SentencePieceTokenizer Read(JsonField root, TokenNames names)
    {
        var model = root.Get("model");
        var type = model.IsAbsent("type") ? "BPE" : model.Get("type").Text();
        return type switch
        {
            "BPE" => Bpe(root, model, names),
            "Unigram" => Unigram(root, model, names),
            _ => throw model.Get("type").Error($"is '{type}': {Rule}"),
        };
    }

    private static SentencePieceBpeTokenizer Bpe(JsonField root, JsonField model, TokenNames names)
    {
        foreach (var name in (string[])["dropout", "continuing_subword_prefix", "end_of_word_suffix"])
            if (!model.IsAbsent(name)) model.Get(name).MustBeNothing();
        var field = model.Get("vocab");
        var vocabulary = JsonVocabulary.Of(field,
            field.Members().Select(member => (member.Name, member.Value.Number(BpeTokenizer.LargestVocabSize), member.Value)), JsonSteps.Added(root));
        var merges = vocabulary.Merges(model.Get("merges"));
        var unknown = model.IsAbsent("unk_token") ? -1 : vocabulary.Find(model.Get("unk_token").Text());
        var wholePieces = !model.IsAbsent("ignore_merges") && model.Get("ignore_merges").Flag();
        var (shared, rules) = Shared(root, vocabulary, names, unknown);
        return new SentencePieceBpeTokenizer(Pieces(vocabulary), merges, shared, rules, wholePieces: wholePieces);
    }

    private static UnigramTokenizer Unigram(JsonField root, JsonField model, TokenNames names)
    {
        var field = model.Get("vocab");
        var scores = new List<double>();
        var entries = field.Items().Select((item, id) =>
        {
            var parts = item.Items().ToArray();
            if (parts.Length != 2) throw item.Error($"has {parts.Length} parts: a piece has its text and its score");
            if (parts[1].Element.ValueKind != JsonValueKind.Number || !parts[1].Element.TryGetDouble(out var score) || !double.IsFinite(score))
                throw parts[1].Error($"is {parts[1].Element.GetRawText()}: a score is a finite number");
            scores.Add(score);
            return (parts[0].Text(), id < BpeTokenizer.LargestVocabSize ? id : throw field.Error($"has more than {BpeTokenizer.LargestVocabSize} pieces"), item);
        });
        var vocabulary = JsonVocabulary.Of(field, entries, JsonSteps.Added(root));
        var unknown = model.IsAbsent("unk_id") ? -1 : model.Get("unk_id").Number(Math.Max(1, scores.Count));
        var leaveOut = vocabulary.Added.Where(token => token.Special).Select(token => token.Id).ToHashSet();
        if (unknown >= 0) leaveOut.Add(unknown);
        for (var id = 0; id < vocabulary.Texts.Length; id++)
            if (id >= scores.Count || SentencePieceTokenizer.ByteOf(vocabulary.Texts[id] ?? "") is not null) leaveOut.Add(id);
        var (shared, rules) = Shared(root, vocabulary, names, unknown);
        return new UnigramTokenizer(Pieces(vocabulary), [.. scores, .. new double[vocabulary.Texts.Length - scores.Count]], leaveOut, shared, rules);
    }

    private static string[] Pieces(JsonVocabulary vocabulary) => Array.ConvertAll(vocabulary.Texts, text => text ?? "");

    private static (Vocabulary, PieceRules) Shared(JsonField root, JsonVocabulary vocabulary, TokenNames names, int unknown)
    {
        var (before, after) = JsonSteps.Template(root);
        var special = vocabulary.Special(names, before);
        var (normalizer, rules) = Spaces(root, unknown);
        return (new Vocabulary([], vocabulary.Added, special, normalizer, before, after), rules);
    }

    /// <summary>How a text gets its '▁': by steps of the normalizer, or by Metaspace.</summary>
    private static (Normalizer?, PieceRules) Spaces(JsonField root, int unknown)
    {
        JsonField[] steps = [.. JsonSteps.Of(root, "normalizer", "normalizers")];
        var at = Array.FindIndex(steps, step => Is(step, "Prepend") && step.Get("prepend").Text() == Space);
        var replaces = Array.Exists(steps, ReplacesSpaces);
        // Prepending last of all, spaces replaced or not, is what the tokenizer does of its own.
        var prefix = at >= 0 && at >= steps.Length - 2 ? SpacePrefix.EverySection : SpacePrefix.Never;
        if (prefix != SpacePrefix.Never) steps = [.. steps.Where((_, index) => index != at)];
        var (unlessThere, splits, joined) = (false, false, false);
        foreach (var step in JsonSteps.Of(root, "pre_tokenizer", "pretokenizers"))
        {
            var type = step.Get("type");
            if (type.Text() == "Split" && replaces && !step.Get("pattern").IsAbsent("String") && step.Get("pattern").Get("String").Text() == " ") continue;
            if (type.Text() == "WhitespaceSplit")
            {
                joined = true;
                continue;
            }
            if (type.Text() != "Metaspace") throw type.Error($"is '{type.Text()}': {Rule}");
            step.Get("replacement").MustBe(Space);
            splits = step.IsAbsent("split") || step.Get("split").Flag();
            var scheme = step.IsAbsent("prepend_scheme")
                ? step.IsAbsent("add_prefix_space") || step.Get("add_prefix_space").Flag() ? "always" : "never"
                : step.Get("prepend_scheme").Text();
            prefix = scheme switch
            {
                "always" => SpacePrefix.EverySection,
                "first" => SpacePrefix.AtStart,
                "never" => SpacePrefix.Never,
                _ => throw step.Get("prepend_scheme").Error($"is '{scheme}': it must be always, first or never"),
            };
            (unlessThere, replaces) = (true, true);
        }
        var normalizer = JsonSteps.Normalizer(steps.Where(step => !ReplacesSpaces(step)));
        // Words cut out of any white space and each led by '▁' are what single spaces between them give.
        if (joined) normalizer = new NormalizerSequence([.. normalizer is null ? (Normalizer[])[] : [normalizer], JsonSteps.OneSpace, new StripNormalizer(left: true, right: true)]);
        if (!replaces) throw root.Error($"replaces no space by '{Space}': {Rule}");
        return (normalizer, new PieceRules(unknown, prefix, unlessThere, splits));
    }

    private static bool Is(JsonField step, string type) => step.Get("type").Text() == type;

    /// <summary>The tokenizer does that of its own.</summary>
    private static bool ReplacesSpaces(JsonField step) => Is(step, "Replace") && !step.Get("pattern").IsAbsent("String")
        && step.Get("pattern").Get("String").Text() == " " && step.Get("content").Text() == Space;
}
