using System.Text.Json.Serialization;
using Dolmen.Artifacts;

namespace Dolmen.Data.Deduplication;

/// <summary>The shape of MinHash and its locality-sensitive hashing. 14 × 8 over word 5-grams is FineWeb's.</summary>
/// <param name="MinJaccard">Pairs that share a bucket are compared, and only those at least this alike are duplicates; null takes every
/// such pair, as FineWeb does. 0.7 is just under the curve's middle ((1/14)^(1/8) = 0.719): it removes the tail (5 % of the pairs at 0.5,
/// 21 % at 0.6) and costs nothing at 0.9.</param>
/// <param name="SketchShingles">How many of a document's smallest shingle hashes are kept for the comparison. It is exact for documents
/// that have no more; above, the estimate's deviation is √(J(1−J)/256), 0.019 at J = 0.9.</param>
internal sealed record MinHashSettings(
    int Buckets = 14,
    int HashesPerBucket = 8,
    int ShingleWords = 5,
    ulong Seed = 1,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] double? MinJaccard = 0.7,
    int SketchShingles = 256
)
{
    [JsonIgnore]
    public int Hashes => Buckets * HashesPerBucket;

    public MinHashSettings Check()
    {
        Require(nameof(Buckets), Buckets, 1, 4096);
        Require(nameof(HashesPerBucket), HashesPerBucket, 1, 256);
        Require(nameof(ShingleWords), ShingleWords, 1, 64);
        Require(nameof(SketchShingles), SketchShingles, 16, 1 << 20);
        if (MinJaccard is { } least && !(least is >= 0 and <= 1))
            throw new UserErrorException(
                $"minHash.minJaccard is {least}: a Jaccard similarity lies between 0 and 1. Set it to 0.7, or to null to compare nothing."
            );
        return this;
    }

    private static void Require(string name, int value, int least, int most)
    {
        if (value < least || value > most)
            throw new UserErrorException(
                $"minHash.{char.ToLowerInvariant(name[0])}{name[1..]} is {value}: it must lie between {least} and {most}."
            );
    }
}
