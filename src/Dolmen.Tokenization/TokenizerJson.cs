using System.Text.Json;

namespace Dolmen.Tokenization;

/// <summary>The members of Hugging Face's tokenizer.json.</summary>
internal static class TokenizerJson
{
    private static readonly string[] RootMembers =
        ["version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model"];

    /// <summary>Cutting and padding are the caller's.</summary>
    public static Tokenizer Read(JsonElement rootElement, string path, TokenNames names)
    {
        var root = new JsonField(rootElement, path, "");
        root.Only(RootMembers);
        root.Get("version").MustBe("1.0");
        return IsByteLevel(root) ? ByteLevelJson.Read(root, names) : SentencePieceJsonReader.Read(root, names);
    }

    /// <summary>Merges happen on bytes: text is written in the characters that stand for bytes, and every byte is a token or is
    /// dropped.</summary>
    private static bool IsByteLevel(JsonField root)
    {
        var model = root.Get("model");
        if (!model.IsAbsent("type") && model.Get("type").Text() != "BPE") return false;
        if (JsonBpe.Flag(model, "byte_fallback")) return false;
        if (JsonBpe.Text(model, "continuing_subword_prefix").Length + JsonBpe.Text(model, "end_of_word_suffix").Length > 0) return false;
        var fields = JsonSteps.Of(root, "pre_tokenizer", "pretokenizers").ToArray();
        var steps = Array.ConvertAll(fields, step => step.Get("type").Text());
        if (steps.Count(step => step == "ByteLevel") != 1 || steps.Contains("Metaspace")) return false;
        var at = Array.IndexOf(steps, "ByteLevel");
        if (at > 0 && (fields[at].IsAbsent("add_prefix_space") || fields[at].Get("add_prefix_space").Flag())) return false;
        if (JsonSteps.Of(root, "normalizer", "normalizers").Any(step => step.Get("type").Text() == "ByteLevel")) return false;
        if (JsonBpe.Text(model, "unk_token").Length == 0) return true;
        // A byte that is not in the vocabulary becomes the unknown token.
        var vocabulary = model.Get("vocab");
        return Enumerable.Range(0, 256).All(value => !vocabulary.IsAbsent(ByteAlphabet.CharOf((byte)value).ToString()));
    }

    public static void Write(Utf8JsonWriter json, BpeTokenizer tokenizer)
    {
        var (tokens, merges) = tokenizer.ToTexts();
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        WriteAdded(json, tokenizer.Added);
        WriteNormalizer(json, tokenizer.Normalizer);
        WriteSplit(json, tokenizer.Rules);
        WriteTemplate(json, tokenizer, tokens);
        json.WriteStartObject("decoder");
        WriteByteLevel(json, space: false, useRegex: true);
        json.WriteEndObject();
        WriteModel(json, tokenizer, tokens, merges);
    }

    public static void WriteAdded(Utf8JsonWriter json, IEnumerable<AddedToken> added)
    {
        json.WriteStartArray("added_tokens");
        foreach (var token in added.OrderBy(token => token.Id))
        {
            json.WriteStartObject();
            json.WriteNumber("id", token.Id);
            json.WriteString("content", token.Content);
            json.WriteBoolean("single_word", token.SingleWord);
            json.WriteBoolean("lstrip", token.StripLeft);
            json.WriteBoolean("rstrip", token.StripRight);
            json.WriteBoolean("normalized", token.Normalized);
            json.WriteBoolean("special", token.Special);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteNormalizer(Utf8JsonWriter json, Normalizer? normalizer)
    {
        if (normalizer is null)
        {
            json.WriteNull("normalizer");
            return;
        }
        json.WriteStartObject("normalizer");
        normalizer.Write(json);
        json.WriteEndObject();
    }

    private static void WriteSplit(Utf8JsonWriter json, BpeRules rules)
    {
        json.WriteStartObject("pre_tokenizer");
        if (rules.SpaceBefore && rules.Split.Pattern == PreTokenizer.Gpt2.Pattern) WriteByteLevel(json, space: true, useRegex: true);
        else
        {
            json.WriteString("type", "Sequence");
            json.WriteStartArray("pretokenizers");
            foreach (var step in rules.Split.Steps.Where(step => step is not ByteAlphabetPreTokenizer)) WriteStep(json, step);
            json.WriteStartObject();
            WriteByteLevel(json, rules.SpaceBefore, useRegex: false);
            json.WriteEndObject();
            foreach (var step in rules.Split.Steps.Where(step => step is ByteAlphabetPreTokenizer)) WriteStep(json, step);
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }

    private static void WriteStep(Utf8JsonWriter json, PreTokenizer step)
    {
        json.WriteStartObject();
        step.Write(json);
        json.WriteEndObject();
    }

    private static void WriteByteLevel(Utf8JsonWriter json, bool space, bool useRegex)
    {
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", space);
        json.WriteBoolean("trim_offsets", true);
        json.WriteBoolean("use_regex", useRegex);
    }

    /// <summary>What bounds a text.</summary>
    private static void WriteTemplate(Utf8JsonWriter json, BpeTokenizer tokenizer, string[] tokens)
    {
        if (tokenizer.Before.Count + tokenizer.After.Count == 0) json.WriteNull("post_processor");
        else TemplateJson.Write(json, tokenizer.Before, tokenizer.After, id => tokens[id]);
    }

    private static void WriteModel(Utf8JsonWriter json, BpeTokenizer tokenizer, string[] tokens, string[] merges)
    {
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        foreach (var absent in (string[])["dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"])
            json.WriteNull(absent);
        foreach (var flag in (string[])["fuse_unk", "byte_fallback"]) json.WriteBoolean(flag, false);
        json.WriteBoolean("ignore_merges", tokenizer.Rules.WholePieces);
        var hidden = Hidden(tokenizer, tokens);
        json.WriteStartObject("vocab");
        for (var id = 0; id < tokens.Length; id++)
            if (!hidden.Contains(id) && tokens[id].Length > 0) json.WriteNumber(tokens[id], id);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach (var merge in merges)
        {
            json.WriteStartArray();
            foreach (var part in merge.Split(' ')) json.WriteStringValue(part);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Added tokens that the vocabulary need not hold: Hugging Face numbers them anew from its end on.</summary>
    private static HashSet<int> Hidden(BpeTokenizer tokenizer, string[] tokens)
    {
        int[] added = [.. tokenizer.Added.Select(token => token.Id).Order()];
        var first = tokens.Count(text => text.Length > 0) - added.Length;
        return added.SequenceEqual(Enumerable.Range(first, added.Length)) ? [.. added] : [];
    }
}
