using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>The members of Hugging Face's tokenizer.json for SentencePiece-style BPE, as transformers writes them for Llama.</summary>
internal static class SentencePieceJson
{
    private const string Rule = "Dolmen reads BPE with '▁' for a space as Llama, Mistral and Gemma have it; other tokenizers cannot be " +
        "used yet";

    private static readonly string Space = SentencePieceBpeTokenizer.Space.ToString();

    /// <summary>Byte-level BPE has neither, nor does it do without a pre-tokenizer.</summary>
    public static bool Describes(JsonElement root) =>
        root.ValueKind == JsonValueKind.Object && root.TryGetProperty("model", out var model) && model.ValueKind == JsonValueKind.Object
        && model.TryGetProperty("byte_fallback", out var fallback) && fallback.ValueKind == JsonValueKind.True;

    public static void Write(Utf8JsonWriter json, SentencePieceBpeTokenizer tokenizer)
    {
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        json.WriteStartArray("added_tokens");
        foreach (var token in tokenizer.Added.OrderBy(token => token.Id))
        {
            json.WriteStartObject();
            json.WriteNumber("id", token.Id);
            json.WriteString("content", token.Content);
            foreach (var flag in (string[])["single_word", "lstrip", "rstrip", "normalized"]) json.WriteBoolean(flag, false);
            json.WriteBoolean("special", token.Special);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        WriteSteps(json, "normalizer", "normalizers",
            tokenizer.Prefix ? () => WriteStep(json, "Prepend", ("prepend", Space)) : null, () => WriteReplace(json, " ", Space));
        json.WriteNull("pre_tokenizer");
        WriteTemplate(json, tokenizer);
        WriteSteps(json, "decoder", "decoders",
            () => WriteReplace(json, Space, " "), () => WriteStep(json, "ByteFallback"), () => WriteStep(json, "Fuse"),
            tokenizer.Prefix ? () => WriteStrip(json) : null);
        WriteModel(json, tokenizer);
    }

    private static void WriteModel(Utf8JsonWriter json, SentencePieceBpeTokenizer tokenizer)
    {
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        if (tokenizer.Unknown >= 0) json.WriteString("unk_token", tokenizer.Pieces[tokenizer.Unknown]);
        else json.WriteNull("unk_token");
        foreach (var absent in (string[])["continuing_subword_prefix", "end_of_word_suffix"]) json.WriteNull(absent);
        foreach (var flag in (string[])["fuse_unk", "byte_fallback"]) json.WriteBoolean(flag, true);
        json.WriteBoolean("ignore_merges", false);
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
        json.WriteEndObject();
    }

    /// <summary>Begins every text with the begin token where there is one.</summary>
    private static void WriteTemplate(Utf8JsonWriter json, SentencePieceBpeTokenizer tokenizer)
    {
        if (tokenizer.Special.Bos < 0)
        {
            json.WriteNull("post_processor");
            return;
        }
        var bos = tokenizer.Pieces[tokenizer.Special.Bos];
        json.WriteStartObject("post_processor");
        json.WriteString("type", "TemplateProcessing");
        foreach (var (name, sequences) in (ReadOnlySpan<(string, string[])>)[("single", ["A"]), ("pair", ["A", "B"])])
        {
            json.WriteStartArray(name);
            for (var i = 0; i < sequences.Length; i++)
            {
                WritePart(json, "SpecialToken", bos, i);
                WritePart(json, "Sequence", sequences[i], i);
            }
            json.WriteEndArray();
        }
        json.WriteStartObject("special_tokens");
        json.WriteStartObject(bos);
        json.WriteString("id", bos);
        json.WriteStartArray("ids");
        json.WriteNumberValue(tokenizer.Special.Bos);
        json.WriteEndArray();
        json.WriteStartArray("tokens");
        json.WriteStringValue(bos);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WritePart(Utf8JsonWriter json, string kind, string id, int type)
    {
        json.WriteStartObject();
        json.WriteStartObject(kind);
        json.WriteString("id", id);
        json.WriteNumber("type_id", type);
        json.WriteEndObject();
        json.WriteEndObject();
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

    /// <param name="bos">The begin token's name; <paramref name="eos"/> likewise.</param>
    public static SentencePieceBpeTokenizer Read(JsonElement rootElement, string path, string bos, string eos)
    {
        var root = new JsonField(rootElement, path, "");
        var model = root.Get("model");
        model.Get("type").MustBe("BPE");
        if (!model.IsAbsent("ignore_merges")) model.Get("ignore_merges").MustBe(false);
        var pieces = Pieces(root, model.Get("vocab"), out var added, out var ids);
        var merges = new List<BpeMerge>();
        var seen = new HashSet<(int, int)>();
        foreach (var item in model.Get("merges").Items())
        {
            var (left, right) = TokenizerJson.Parts(item);
            if (!ids.TryGetValue(left, out var leftId) || !ids.TryGetValue(right, out var rightId)
                || !ids.TryGetValue(left + right, out var result))
            {
                throw item.Error($"merges '{left}' and '{right}': these and '{left + right}' must be in the vocabulary");
            }
            if (!seen.Add((leftId, rightId))) throw item.Error($"merges '{left}' and '{right}' a second time");
            merges.Add(new BpeMerge(leftId, rightId, result));
        }
        var unknown = model.IsAbsent("unk_token") ? -1 : Id(model.Get("unk_token").Text());
        var (begin, end) = (Id(bos), Id(eos));
        return new SentencePieceBpeTokenizer(pieces, [.. merges], added, new SpecialTokens(begin, end, end, -1, -1, -1, end), unknown,
            HasPrefix(root));

        int Id(string name) => ids.GetValueOrDefault(name, -1);
    }

    private static string[] Pieces(JsonField root, JsonField vocab, out List<AddedToken> added, out Dictionary<string, int> ids)
    {
        (added, ids) = ([], new Dictionary<string, int>(StringComparer.Ordinal));
        var names = new Dictionary<int, string>();
        foreach (var member in vocab.Members())
        {
            var id = member.Value.Number(BpeTokenizer.LargestVocabSize);
            if (member.Name.Length == 0) throw member.Value.Error("belongs to an empty piece: a piece has at least one character");
            if (!names.TryAdd(id, member.Name)) throw member.Value.Error($"is {id}: another token has that id");
            ids.Add(member.Name, id);
        }
        foreach (var item in root.Get("added_tokens").Items())
        {
            var (content, id) = (item.Get("content"), item.Get("id").Number(BpeTokenizer.LargestVocabSize));
            if (content.Text().Length == 0) throw content.Error("is empty: a token has at least one character");
            if (ids.TryGetValue(content.Text(), out var same) ? same != id : !names.TryAdd(id, content.Text()))
            {
                throw content.Error($"is '{content.Text()}' with the id {id}, which the vocabulary gives to another token");
            }
            ids[content.Text()] = id;
            if (added.Exists(token => token.Id == id)) throw content.Error($"is '{content.Text()}', which comes twice");
            added.Add(new AddedToken(content.Text(), id, item.Get("special").Flag()));
        }
        var pieces = new string[names.Count];
        for (var id = 0; id < pieces.Length; id++)
        {
            pieces[id] = names.TryGetValue(id, out var piece) ? piece
                : throw vocab.Error($"has no token with the id {id}, yet {pieces.Length} tokens: ids must run from 0 without a gap");
        }
        return pieces;
    }

    /// <summary>A space goes before the text: by a Prepend step, or by Metaspace splitting nothing.</summary>
    private static bool HasPrefix(JsonField root)
    {
        var (prepends, replaces) = (false, false);
        foreach (var step in Steps(root, "normalizer", "normalizers"))
        {
            var type = step.Get("type");
            if (type.Text() == "Prepend")
            {
                step.Get("prepend").MustBe(Space);
                prepends = true;
            }
            else if (type.Text() == "Replace")
            {
                step.Get("pattern").Get("String").MustBe(" ");
                step.Get("content").MustBe(Space);
                replaces = true;
            }
            else throw type.Error($"is '{type.Text()}': {Rule}");
        }
        foreach (var step in Steps(root, "pre_tokenizer", "pretokenizers"))
        {
            var type = step.Get("type");
            if (type.Text() != "Metaspace") throw type.Error($"is '{type.Text()}': {Rule}");
            step.Get("replacement").MustBe(Space);
            if (!step.IsAbsent("split")) step.Get("split").MustBe(false);
            prepends |= step.IsAbsent("prepend_scheme") || step.Get("prepend_scheme").Text() != "never";
            replaces = true;
        }
        return replaces ? prepends : throw root.Error($"replaces no space by '{Space}': {Rule}");
    }

    private static IEnumerable<JsonField> Steps(JsonField root, string name, string list)
    {
        if (root.IsAbsent(name)) return [];
        var field = root.Get(name);
        return field.Get("type").Text() == "Sequence" ? field.Get(list).Items() : [field];
    }
}
