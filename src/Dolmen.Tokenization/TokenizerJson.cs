using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>The members of Hugging Face's tokenizer.json for byte-level BPE.</summary>
internal static class TokenizerJson
{
    /// <summary>Of a vocabulary's token, in bytes. Other software's longest are runs of a few hundred spaces.</summary>
    private const int LongestToken = 1 << 16;

    private static readonly string[] RootMembers =
        ["version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model"];

    public static void Write(Utf8JsonWriter json, BpeTokenizer tokenizer)
    {
        var (tokens, merges) = tokenizer.ToTexts();
        Write(json, tokens, merges, [.. tokenizer.SpecialTokenIds.Select(entry => entry.Token)]);
    }

    /// <param name="tokens">Of every id, as vocabulary files write them; of a special token its name.</param>
    /// <param name="merges">Two tokens with a space between.</param>
    public static void Write(Utf8JsonWriter json, IReadOnlyList<string> tokens, IReadOnlyList<string> merges, IReadOnlyCollection<int> special)
    {
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        json.WriteStartArray("added_tokens");
        foreach (var token in special.Order())
        {
            json.WriteStartObject();
            json.WriteNumber("id", token);
            json.WriteString("content", tokens[token]);
            foreach (var flag in (string[])["single_word", "lstrip", "rstrip", "normalized"]) json.WriteBoolean(flag, false);
            json.WriteBoolean("special", true);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNull("normalizer");

        json.WriteStartObject("pre_tokenizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("pretokenizers");
        json.WriteStartObject();
        json.WriteString("type", "Split");
        json.WriteStartObject("pattern");
        json.WriteString("Regex", PreTokenizer.O200k.Pattern);
        json.WriteEndObject();
        json.WriteString("behavior", "Isolated");
        json.WriteBoolean("invert", false);
        json.WriteEndObject();
        json.WriteStartObject();
        WriteByteLevel(json, useRegex: false);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();

        json.WriteNull("post_processor");
        json.WriteStartObject("decoder");
        WriteByteLevel(json, useRegex: true);
        json.WriteEndObject();
        WriteModel(json, tokens, merges, special);
    }

    private static void WriteByteLevel(Utf8JsonWriter json, bool useRegex)
    {
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", false);
        json.WriteBoolean("trim_offsets", true);
        json.WriteBoolean("use_regex", useRegex);
    }

    private static void WriteModel(Utf8JsonWriter json, IReadOnlyList<string> tokens, IReadOnlyList<string> merges, IReadOnlyCollection<int> special)
    {
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        foreach (var absent in (string[])["dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"])
            json.WriteNull(absent);
        foreach (var flag in (string[])["fuse_unk", "byte_fallback", "ignore_merges"]) json.WriteBoolean(flag, false);
        var hidden = special.ToHashSet();
        json.WriteStartObject("vocab");
        for (var id = 0; id < tokens.Count; id++)
            if (!hidden.Contains(id)) json.WriteNumber(tokens[id], id);
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

    public static BpeTokenizer Read(JsonElement rootElement, string path)
    {
        var root = new JsonField(rootElement, path, "");
        root.Only(RootMembers);
        root.Get("version").MustBe("1.0");
        foreach (var name in (string[])["truncation", "padding", "normalizer", "post_processor"])
            if (!root.IsAbsent(name))
                throw root.Get(name).Error("is set: Dolmen's tokenizers have none. Other tokenizers cannot be used yet");
        CheckPreTokenizer(root.Get("pre_tokenizer"));
        var decoder = root.Get("decoder");
        decoder.Get("type").MustBe("ByteLevel");

        var model = root.Get("model");
        model.Only("type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "byte_fallback",
            "ignore_merges", "vocab", "merges");
        model.Get("type").MustBe("BPE");
        foreach (var name in (string[])["dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"])
            if (!model.IsAbsent(name)) model.Get(name).MustBeNothing();
        foreach (var name in (string[])["fuse_unk", "byte_fallback", "ignore_merges"])
            if (!model.IsAbsent(name)) model.Get(name).MustBe(false);

        var added = ReadAddedTokens(root.Get("added_tokens"));
        var tokens = ReadVocabulary(model.Get("vocab"), added);
        var merges = ReadMerges(model.Get("merges"), tokens, [.. added.Values]);
        int Id(int special) => added.TryGetValue(SpecialTokens.Names[special], out var id) ? id : throw root.Get("added_tokens")
            .Error($"does not hold {SpecialTokens.Names[special]}: a Dolmen vocabulary holds {string.Join(' ', SpecialTokens.Names)}");
        return new BpeTokenizer(tokens, merges, new SpecialTokens(Id(0), Id(1), Id(2), Id(3), Id(4), Id(5), Id(6)));
    }

    private static void CheckPreTokenizer(JsonField field)
    {
        const string rule = "Dolmen reads byte-level BPE that splits text by its own pattern alone; other tokenizers cannot be used yet";
        field.Get("type").MustBe("Sequence");
        var steps = field.Get("pretokenizers").Items().ToArray();
        if (steps.Length != 2) throw field.Get("pretokenizers").Error($"has {steps.Length} steps, not Split and ByteLevel: {rule}");
        steps[0].Get("type").MustBe("Split");
        steps[0].Get("behavior").MustBe("Isolated");
        steps[0].Get("invert").MustBe(false);
        var pattern = steps[0].Get("pattern").Get("Regex");
        if (pattern.Text() != PreTokenizer.O200k.Pattern) throw pattern.Error($"is another pattern, {pattern.Text()}: {rule}");
        steps[1].Get("type").MustBe("ByteLevel");
        steps[1].Get("add_prefix_space").MustBe(false);
        steps[1].Get("use_regex").MustBe(false);
    }

    private static Dictionary<string, int> ReadAddedTokens(JsonField field)
    {
        var added = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var item in field.Items())
        {
            var (content, id) = (item.Get("content"), item.Get("id").Number(BpeTokenizer.LargestVocabSize));
            if (!SpecialTokens.Names.Contains(content.Text()))
                throw content.Error($"is '{content.Text()}': a Dolmen vocabulary adds only {string.Join(' ', SpecialTokens.Names)}");
            foreach (var flag in (string[])["single_word", "lstrip", "rstrip", "normalized"]) item.Get(flag).MustBe(false);
            item.Get("special").MustBe(true);
            if (!added.TryAdd(content.Text(), id)) throw content.Error($"'{content.Text()}' comes twice");
        }
        return added;
    }

    private static byte[][] ReadVocabulary(JsonField field, Dictionary<string, int> added)
    {
        var names = new Dictionary<int, byte[]>();
        foreach (var (name, id) in added)
            if (!names.TryAdd(id, Encoding.UTF8.GetBytes(name))) throw field.Error($"cannot be read: two added tokens have the id {id}");
        var bytesSeen = 0;
        foreach (var member in field.Members())
        {
            var (name, id) = (member.Name, member.Value.Number(BpeTokenizer.LargestVocabSize));
            if (added.TryGetValue(name, out var same))
            {
                if (same != id) throw member.Value.Error($"is {id}, but added_tokens gives it the id {same}");
                continue;
            }
            if (name.Length is 0 or > LongestToken || ByteAlphabet.ToBytes(name) is not { } bytes)
                throw member.Value.Error($"the token '{name}' is not written in the characters of byte-level vocabularies");
            if (!names.TryAdd(id, bytes)) throw member.Value.Error($"is {id}: another token has that id");
            if (bytes.Length == 1) bytesSeen++;
        }
        if (bytesSeen != 256)
            throw field.Error($"holds {bytesSeen} of the 256 single bytes: without all of them there is text that cannot be encoded");
        var tokens = new byte[names.Count][];
        for (var id = 0; id < tokens.Length; id++)
            tokens[id] = names.TryGetValue(id, out var bytes)
                ? bytes
                : throw field.Error($"has no token with the id {id}, yet {tokens.Length} tokens: ids must run from 0 without a gap");
        return tokens;
    }

    private static BpeMerge[] ReadMerges(JsonField field, byte[][] tokens, HashSet<int> special)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var id = 0; id < tokens.Length; id++)
            if (!special.Contains(id)) ids.Add(ByteAlphabet.ToText(tokens[id]), id);
        var merges = new List<BpeMerge>();
        var seen = new HashSet<(int, int)>();
        foreach (var item in field.Items())
        {
            var (left, right) = Parts(item);
            if (!ids.TryGetValue(left, out var leftId) || !ids.TryGetValue(right, out var rightId)
                || !ids.TryGetValue(left + right, out var result))
                throw item.Error($"merges '{left}' and '{right}': these and '{left + right}' must be in the vocabulary");
            if (!seen.Add((leftId, rightId))) throw item.Error($"merges '{left}' and '{right}' a second time");
            merges.Add(new BpeMerge(leftId, rightId, result));
        }
        return [.. merges];
    }

    /// <summary>A pair as array, or as the text "left right" that older files hold.</summary>
    internal static (string Left, string Right) Parts(JsonField item)
    {
        string[] parts = item.Element.ValueKind == JsonValueKind.Array
            ? [.. item.Items().Select(part => part.Text())]
            : item.Text().Split(' ');
        return parts.Length == 2 ? (parts[0], parts[1]) : throw item.Error($"has {parts.Length} parts: a merge has two");
    }
}
