namespace Dolmen.Tokenization;

/// <summary>The members of tokenizer.json's BPE model.</summary>
internal static class JsonBpe
{
    public const string CutRule =
        "Dolmen reads Split, Digits, Punctuation, Whitespace, WhitespaceSplit, CharDelimiterSplit, BertPreTokenizer, "
        + "ByteLevel, Metaspace and Sequence here";

    public static void Check(JsonField model)
    {
        model.Only("type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "byte_fallback",
            "ignore_merges", "vocab", "merges");
        if (model.IsAbsent("dropout")) return;
        var dropout = model.Get("dropout");
        if (dropout.Element.ValueKind != System.Text.Json.JsonValueKind.Number || !dropout.Element.TryGetDouble(out var rate) || rate != 0)
            throw dropout.Error(
                $"is {dropout.Element.GetRawText()}: with dropout a text gets other tokens each time, and Dolmen reads none (null or 0)"
            );
    }

    public static JsonVocabulary Vocabulary(JsonField root, JsonField model)
    {
        var field = model.Get("vocab");
        return JsonVocabulary.Of(
            field,
            field.Members().Select(member => (member.Name, member.Value.Number(BpeTokenizer.LargestVocabSize), member.Value)),
            JsonSteps.Added(root)
        );
    }

    public static bool Flag(JsonField model, string name) => !model.IsAbsent(name) && model.Get(name).Flag();

    public static string Text(JsonField model, string name) => model.IsAbsent(name) ? "" : model.Get(name).Text();

    public static bool WholePieces(JsonField model) => Flag(model, "ignore_merges");
}
