using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>Names of tokens as tokenizer_config.json and special_tokens_map.json give them; null where they do not.</summary>
internal sealed record TokenNames(string? Bos = null, string? Eos = null, string? Pad = null);

/// <summary>The ids of a tokenizer.json's vocabulary and added tokens.</summary>
internal sealed class JsonVocabulary
{
    /// <summary>The most characters of a token; the longest in use are runs of a few hundred spaces.</summary>
    private const int LongestToken = 1 << 16;

    private readonly Dictionary<string, int> _ids;

    private JsonVocabulary(string?[] texts, Dictionary<string, int> ids, List<AddedToken> added) =>
        (Texts, _ids, Added) = (texts, ids, added);

    /// <summary>The text of every id; null where it is not used.</summary>
    public string?[] Texts { get; }

    public List<AddedToken> Added { get; }

    /// <summary>−1 where the name is not a token.</summary>
    public int Find(string name) => _ids.GetValueOrDefault(name, -1);

    /// <param name="field">For complaints.</param>
    /// <param name="entries">Texts with ids and where they stand.</param>
    /// <param name="added">The added tokens.</param>
    public static JsonVocabulary Of(JsonField field, IEnumerable<(string Text, int Id, JsonField Place)> entries, List<AddedToken> added)
    {
        var (texts, ids) = (new Dictionary<int, string>(), new Dictionary<string, int>(StringComparer.Ordinal));
        foreach (var (text, id, place) in entries)
        {
            if (text.Length is 0 or > LongestToken)
                throw place.Error($"belongs to a token of {text.Length} characters: a token has 1 to {LongestToken}");
            if (!texts.TryAdd(id, text))
                throw place.Error($"is {id}: another token, '{texts[id]}', has that id");
            if (!ids.TryAdd(text, id))
                throw place.Error($"is '{text}', which comes twice");
        }
        var apart = added.Select(token => token.Id).ToHashSet();
        var last = texts.Keys.Where(id => !apart.Contains(id)).DefaultIfEmpty(-1).Max();
        for (var i = 0; i < added.Count; i++)
        {
            var token = added[i];
            if (ids.TryGetValue(token.Content, out var same) ? same != token.Id : !texts.TryAdd(token.Id, token.Content))
            {
                throw (field with { Place = $"added_tokens[{i}].content" }).Error(
                    $"is '{token.Content}' with the id {token.Id}, which the vocabulary gives to another token");
            }
            ids[token.Content] = token.Id;
        }
        // Beside added tokens ids may be unused, as OpenAI's are; elsewhere they would be tokens that were lost.
        for (int id = 0, end; id <= last; id = end + 1)
        {
            for (end = id; end <= last && !texts.ContainsKey(end);) end++;
            if (end > id && !apart.Contains(id - 1) && !apart.Contains(end))
                throw field.Error($"has no token with the id {id}, yet {texts.Count} tokens: ids must run from 0 without a gap");
        }
        var byId = new string?[texts.Count == 0 ? 0 : texts.Keys.Max() + 1];
        foreach (var (id, text) in texts) byId[id] = text;
        return new JsonVocabulary(byId, ids, added);
    }

    /// <param name="field">Where they stand.</param>
    /// <param name="prefix">What a token within a word has before it; merging takes it away.</param>
    public BpeMerge[] Merges(JsonField field, string prefix = "")
    {
        var merges = new List<BpeMerge>();
        var seen = new HashSet<(int, int)>();
        foreach (var item in field.Items())
        {
            var (left, right) = Parts(item);
            var joined = left + (right.StartsWith(prefix, StringComparison.Ordinal) ? right[prefix.Length..] : right);
            if (
                Find(left) is not (var leftId and >= 0)
                || Find(right) is not (var rightId and >= 0)
                || Find(joined) is not (var result and >= 0)
            )
                throw item.Error($"merges '{left}' and '{right}': these and '{joined}' must be in the vocabulary");
            if (!seen.Add((leftId, rightId))) throw item.Error($"merges '{left}' and '{right}' a second time");
            merges.Add(new BpeMerge(leftId, rightId, result));
        }
        return [.. merges];
    }

    /// <summary>The ids that bound a text, by the names the folder's other files give, or else by what is usual. Where no token begins a
    /// text, the one that ends the text before does.</summary>
    public SpecialTokens Special(TokenNames names, IReadOnlyList<int> before)
    {
        if (SpecialTokens.Find(Find) is { } ours) return ours;
        var eos = First(names.Eos, "</s>", "<|endoftext|>", "<|end_of_text|>", "<|eos|>", "<eos>");
        var bos = First(names.Bos);
        if (bos < 0) bos = before.Count > 0 ? before[0] : names.Eos is null ? First("<s>", "<|begin_of_text|>", "<|bos|>", "<bos>") : -1;
        if (bos < 0) bos = eos;
        var pad = First(names.Pad, "<pad>", "<|pad|>");
        return new SpecialTokens(bos, eos, pad < 0 ? eos : pad, -1, -1, -1, eos);
    }

    private int First(params ReadOnlySpan<string?> names)
    {
        foreach (var name in names)
            if (name is not null && Find(name) is var id and >= 0) return id;
        return -1;
    }

    /// <summary>A pair as array, or as the text "left right" that older files hold.</summary>
    private static (string Left, string Right) Parts(JsonField item)
    {
        string[] parts = item.Element.ValueKind == System.Text.Json.JsonValueKind.Array
            ? [.. item.Items().Select(part => part.Text())]
            : item.Text().Split(' ');
        return parts.Length == 2 ? (parts[0], parts[1]) : throw item.Error($"has {parts.Length} parts: a merge has two");
    }
}
