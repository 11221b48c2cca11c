using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>Vocabularies in two files, as GPT-2 was published: ids in encoder.json or vocab.json, merges in vocab.bpe or
/// merges.txt.</summary>
internal static class PairOfFiles
{
    private static readonly (string Vocabulary, string Merges)[] Names = [("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")];

    private const int LargestMerges = 256 << 20;

    private const string EndOfText = "<|endoftext|>";

    /// <summary>Null where the vocabulary stands alone.</summary>
    public static string? MergesBeside(string vocabulary) => Names
        .Where(pair => pair.Vocabulary == Path.GetFileName(vocabulary))
        .SelectMany(pair => new[] { pair.Merges, "merges.txt", "vocab.bpe" })
        .Select(name => Path.Combine(Path.GetDirectoryName(vocabulary) ?? "", name)).FirstOrDefault(File.Exists);

    /// <exception cref="UserErrorException">The merges stand alone.</exception>
    public static string VocabularyBeside(string merges) => Names
        .Select(pair => Path.Combine(Path.GetDirectoryName(merges) ?? "", pair.Vocabulary)).FirstOrDefault(File.Exists)
        ?? throw new UserErrorException($"{merges} holds merges alone: vocab.json or encoder.json with the ids must lie beside it.");

    public static Tokenizer Read(string path)
    {
        var mergesPath =
            MergesBeside(path) ?? throw new UserErrorException($"{path} holds ids alone: merges.txt or vocab.bpe must lie beside it.");
        var merges = new JsonArray();
        using var lines = new StringReader(StrictText.DecodeWhole(WholeFile.Read(mergesPath, LargestMerges), mergesPath));
        while (lines.ReadLine() is { } line)
        {
            // The first line names the version; '#' begins merges as well.
            if (line.Length > 0 && !line.StartsWith("#version", StringComparison.Ordinal)) merges.Add((JsonNode)line);
        }
        return TokenizerFolder.Parse(path, vocabulary => Read(vocabulary, merges, path));
    }

    private static Tokenizer Read(JsonElement vocabulary, JsonArray merges, string path)
    {
        if (vocabulary.ValueKind != JsonValueKind.Object)
            throw new UserErrorException($"{path} is {vocabulary.ValueKind}: it must be an object of tokens and their ids.");
        var added = new JsonArray();
        if (vocabulary.TryGetProperty(EndOfText, out var id))
            added.Add(new JsonObject { ["id"] = JsonValue.Create(id), ["content"] = EndOfText, ["special"] = true });
        var root = new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = added,
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false },
            ["model"] = new JsonObject { ["type"] = "BPE", ["vocab"] = JsonObject.Create(vocabulary), ["merges"] = merges },
        };
        var element = JsonSerializer.SerializeToElement(root, VocabularyJson.Default.JsonObject);
        return TokenizerJson.Read(element, path, TokenizerFolder.Names(Path.GetDirectoryName(path) ?? ""));
    }
}

[System.Text.Json.Serialization.JsonSerializable(typeof(JsonObject))]
internal sealed partial class VocabularyJson : System.Text.Json.Serialization.JsonSerializerContext;
