using System.Text.Json;

namespace Dolmen.Tokenization;

/// <summary>A SentencePiece vocabulary as the tokenizer.json that transformers writes for it.</summary>
internal static class SentencePieceJson
{
    private static readonly string Space = SentencePieceTokenizer.Space.ToString();

    public static void Write(Utf8JsonWriter json, SentencePieceTokenizer tokenizer)
    {
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        TokenizerJson.WriteAdded(json, tokenizer.Added);
        var rules = tokenizer.Rules;
        var prefix = rules.Prefix != SpacePrefix.Never;
        var metaspace = UsesMetaspace(rules);
        WriteSteps(json, "normalizer", "normalizers",
            tokenizer.Normalizer is { } normalizer ? () => WriteObject(json, normalizer.Write) : null,
            rules.Model?.Rules is { } map ? () => WriteObject(json, map.Write) : null,
            rules.Model is { DropsSpaces: true } ? () => WriteObject(json, new SpacesNormalizer().Write) : null,
            prefix && !metaspace ? () => WriteStep(json, "Prepend", ("prepend", Space)) : null,
            rules.Model is { EscapesSpaces: false } ? null : () => WriteReplace(json, " ", Space));
        WriteSplit(json, rules);
        if (tokenizer.Before.Count + tokenizer.After.Count == 0) json.WriteNull("post_processor");
        else TemplateJson.Write(json, tokenizer.Before, tokenizer.After, id => tokenizer.Pieces[id]);
        WriteSteps(json, "decoder", "decoders",
            () => WriteReplace(json, Space, " "), () => WriteStep(json, "ByteFallback"), () => WriteStep(json, "Fuse"),
            tokenizer.DropsLeadingSpace ? () => WriteStrip(json) : null);
        json.WriteStartObject("model");
        if (tokenizer is UnigramTokenizer unigram) WriteUnigram(json, unigram);
        else WriteBpe(json, (SentencePieceBpeTokenizer)tokenizer);
        json.WriteEndObject();
    }

    /// <summary>Symbols that users defined are found in the normalized text, to whose beginning no step may put a space.</summary>
    private static bool UsesMetaspace(PieceRules rules) =>
        rules.UnlessThere || (rules.Model is { UserDefined.Count: > 0 } && rules.Prefix != SpacePrefix.Never);

    private static void WriteSplit(Utf8JsonWriter json, PieceRules rules)
    {
        var metaspace = UsesMetaspace(rules);
        if (!metaspace && !rules.SplitAtSpaces)
        {
            json.WriteNull("pre_tokenizer");
            return;
        }
        json.WriteStartObject("pre_tokenizer");
        json.WriteString("type", "Metaspace");
        json.WriteString("replacement", Space);
        json.WriteString("prepend_scheme", !metaspace ? "never" : rules.Prefix switch
        {
            SpacePrefix.EverySection => "always",
            SpacePrefix.AtStart => "first",
            _ => "never",
        });
        json.WriteBoolean("split", rules.SplitAtSpaces);
        json.WriteEndObject();
    }

    private static void WriteUnigram(Utf8JsonWriter json, UnigramTokenizer tokenizer)
    {
        json.WriteString("type", "Unigram");
        if (tokenizer.Unknown >= 0) json.WriteNumber("unk_id", tokenizer.Unknown);
        else json.WriteNull("unk_id");
        json.WriteStartArray("vocab");
        for (var id = 0; id < tokenizer.VocabSize; id++)
        {
            json.WriteStartArray();
            json.WriteStringValue(tokenizer.Pieces[id]);
            json.WriteNumberValue(tokenizer.Scores[id]);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteBoolean("byte_fallback", tokenizer.Rules.FallsBack && tokenizer.FallsBackToBytes);
    }

    private static void WriteBpe(Utf8JsonWriter json, SentencePieceBpeTokenizer tokenizer)
    {
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        if (tokenizer.Unknown >= 0) json.WriteString("unk_token", tokenizer.Pieces[tokenizer.Unknown]);
        else json.WriteNull("unk_token");
        foreach (var absent in (string[])["continuing_subword_prefix", "end_of_word_suffix"]) json.WriteNull(absent);
        json.WriteBoolean("fuse_unk", tokenizer.Rules.FusesUnknown);
        json.WriteBoolean("byte_fallback", tokenizer.Rules.FallsBack);
        json.WriteBoolean("ignore_merges", tokenizer.WholePieces);
        json.WriteStartObject("vocab");
        for (var id = 0; id < tokenizer.VocabSize; id++) json.WriteNumber(tokenizer.Pieces[id], id);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach (var merge in tokenizer.Merges)
        {
            json.WriteStartArray();
            json.WriteStringValue(tokenizer.Pieces[merge.Left]);
            json.WriteStringValue(tokenizer.Pieces[merge.Right]);
            json.WriteEndArray();
        }
        json.WriteEndArray();
    }

    private static void WriteSteps(Utf8JsonWriter json, string name, string list, params ReadOnlySpan<Action?> steps)
    {
        json.WriteStartObject(name);
        json.WriteString("type", "Sequence");
        json.WriteStartArray(list);
        foreach (var step in steps) step?.Invoke();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteObject(Utf8JsonWriter json, Action<Utf8JsonWriter> members)
    {
        json.WriteStartObject();
        members(json);
        json.WriteEndObject();
    }

    private static void WriteStep(Utf8JsonWriter json, string type, params ReadOnlySpan<(string Name, string Value)> fields)
    {
        json.WriteStartObject();
        json.WriteString("type", type);
        foreach (var (name, value) in fields) json.WriteString(name, value);
        json.WriteEndObject();
    }

    private static void WriteReplace(Utf8JsonWriter json, string from, string to)
    {
        json.WriteStartObject();
        json.WriteString("type", "Replace");
        json.WriteStartObject("pattern");
        json.WriteString("String", from);
        json.WriteEndObject();
        json.WriteString("content", to);
        json.WriteEndObject();
    }

    private static void WriteStrip(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Strip");
        json.WriteString("content", " ");
        json.WriteNumber("start", 1);
        json.WriteNumber("stop", 0);
        json.WriteEndObject();
    }
}
