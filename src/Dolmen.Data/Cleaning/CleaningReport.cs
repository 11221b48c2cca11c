using System.Text.Json.Serialization;
using Dolmen.Artifacts;

namespace Dolmen.Data.Cleaning;

/// <summary>Documents and what they weigh, in UTF-8 bytes of text.</summary>
public sealed record TextAmount(long Documents, long Bytes)
{
    public static TextAmount operator +(TextAmount a, TextAmount b) => new(a.Documents + b.Documents, a.Bytes + b.Bytes);
}

/// <summary>What became of the records of an input.</summary>
/// <param name="Read">Records that hold a page or a text.</param>
/// <param name="Bytes">Of those records, uncompressed.</param>
/// <param name="Dropped">Documents by the recipe key of the first rule they broke; records that never became documents are in
/// <paramref name="Unread"/>.</param>
/// <param name="Unread">Records of the files that are not documents (images, redirects, broken ones), by reason.</param>
/// <param name="Broken">The first of the records that could not be read.</param>
/// <param name="Cut">Lines, paragraphs and passages that were cut from documents because they stand in others, and from how many; null when
/// none were looked for.</param>
/// <param name="Tokens">Of the documents to train on; null when they were not counted.</param>
/// <param name="ReadByLanguage">Every document with text.</param>
public sealed record CleaningReport(
    int Files,
    long Read,
    long Kept,
    long Bytes,
    long KeptBytes,
    IReadOnlyDictionary<string, long> Dropped,
    IReadOnlyDictionary<string, long> Unread,
    IReadOnlyDictionary<string, long> Noted,
    IReadOnlyDictionary<string, TextAmount> ReadByLanguage,
    IReadOnlyDictionary<string, TextAmount> Languages,
    IReadOnlyList<BrokenRecord> Broken,
    int Shards,
    IReadOnlyDictionary<string, long>? Cut = null,
    long? Tokens = null
)
{
    public const string FileName = "cleaning.json";

    /// <summary>Seconds of this run alone. They are in no file, because the same input makes the same files.</summary>
    [JsonIgnore]
    public double Seconds { get; init; }

    /// <summary>Uncompressed input read a second, all stages and cores together.</summary>
    [JsonIgnore]
    public double MegabytesPerSecond => Seconds > 0 ? Bytes / 1e6 / Seconds : 0;
}

/// <summary>What measuring a shard found; its presence says that the shard is finished.</summary>
internal sealed record ShardOutcome(
    long Documents,
    long Bytes,
    IReadOnlyDictionary<string, long> Unread,
    IReadOnlyDictionary<string, long> Noted,
    IReadOnlyList<BrokenRecord> Broken,
    double Seconds
);

/// <summary>What a build was asked for: a folder belongs to one of these.</summary>
internal sealed record CleaningRequest(string Recipe, ulong Seed, double HeldOut, IReadOnlyList<InputIdentity> Files, string? Tokenizer);

/// <param name="Fingerprint">Of the file's length, beginning and end.</param>
internal sealed record InputIdentity(string Name, long Bytes, string Fingerprint);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(CleaningReport))]
[JsonSerializable(typeof(ShardOutcome))]
[JsonSerializable(typeof(CleaningRequest))]
[JsonSerializable(typeof(IReadOnlyList<InputIdentity>))]
internal sealed partial class CleaningJson : JsonSerializerContext;
