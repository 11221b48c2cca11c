using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>A text and what it becomes.</summary>
public sealed record TextPair(string Source, string Target);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true
)]
[JsonSerializable(typeof(TextPair))]
internal sealed partial class PairJson : JsonSerializerContext;

/// <summary>Pairs as a user names them: one file of JSON lines <c>{"source","target"}</c>, two files of equally many lines, each also
/// compressed by gzip or Zstandard, or
/// <c>reverse:COUNT:SEED</c>, invented strings of 10 to 20 letters and the same backwards.</summary>
public static class PairFiles
{
    public const string Unit = "pairs";

    private const string Reverse = "reverse";
    private const int Shortest = 10, Longest = 20, Letters = 26;

    public static bool IsInvented(string pairs) => pairs == Reverse || pairs.StartsWith(Reverse + ":", StringComparison.Ordinal);

    /// <summary>All pairs; one of which a side is empty is left out.</summary>
    /// <exception cref="UserErrorException">As the other.</exception>
    public static IReadOnlyList<TextPair> Read(string pairs) => [.. Read(pairs, new DataTally(Unit)).Select(pair => pair.Pair)];

    /// <param name="pairs">As a user names them.</param>
    /// <param name="tally">Counts the pairs read, and those left out because a side is empty.</param>
    /// <exception cref="UserErrorException">No such file, unequal numbers of lines, a line that is not a pair, or no pair at
    /// all.</exception>
    public static IReadOnlyList<(TextPair Pair, DataPlace Place)> Read(string pairs, DataTally tally)
    {
        var files = pairs.Split(',', StringSplitOptions.TrimEntries);
        if (!IsInvented(pairs) && files.Length > 2)
            throw new UserErrorException(
                $"--pairs names {files.Length} files: it takes one of JSON lines, or two with a comma between them."
            );
        var all =
            IsInvented(pairs) ? Invent(pairs).Select((pair, i) => (pair, new DataPlace(pairs, i + 1)))
            : files.Length == 1 ? Json(files[0])
            : Lines(files[0], files[1]);
        var kept = new List<(TextPair, DataPlace)>();
        foreach (var (pair, place) in all)
        {
            tally.Read();
            if (string.IsNullOrWhiteSpace(pair.Source)) tally.Drop("source-empty", place);
            else if (string.IsNullOrWhiteSpace(pair.Target)) tally.Drop("target-empty", place);
            else kept.Add((pair, place));
        }
        return kept.Count > 0 ? kept : throw new UserErrorException($"{pairs} holds no pair of a source and a target: {tally.ToCounts()}.");
    }

    /// <summary>Hashes what decides the pairs: the files' bytes.</summary>
    public static string Hash(string pairs) =>
        IsInvented(pairs) ? pairs : string.Concat(pairs.Split(',', StringSplitOptions.TrimEntries).Select(StableHash.Sha256OfFile));

    private static IEnumerable<(TextPair Pair, DataPlace Place)> Json(string file) => JsonLines.Read(file, PairJson.Default.TextPair);

    private static IEnumerable<(TextPair Pair, DataPlace Place)> Lines(string sources, string targets)
    {
        var (read, others) = (LinesOf(sources), LinesOf(targets));
        if (read.Count != others.Count)
            throw new UserErrorException(
                $"{sources} has {read.Count} lines but {targets} has {others.Count}: line n of one must be the translation of line n of "
                    + $"the other."
            );
        return read.Zip(others, (source, target) => new TextPair(source, target))
            .Select((pair, i) => (pair, new DataPlace(sources, i + 1)));
    }

    private static List<string> LinesOf(string file) =>
        [
            .. TextLines
                .Read(file, "one file of JSON lines or two of text")
                .Select(line => StrictText.Decode(line.Line.Span, file, line.Number).Trim()),
        ];

    private static List<TextPair> Invent(string pairs)
    {
        var parts = pairs.Split(':');
        var (count, seed) = (100_000, 1UL);
        if (
            parts.Length > 3
            || (parts.Length > 1 && (!int.TryParse(parts[1], out count) || count < 1))
            || (parts.Length > 2 && !ulong.TryParse(parts[2], out seed))
        )
            throw new UserErrorException($"--pairs {pairs} is not reverse:COUNT:SEED. Try reverse:100000:1.");
        var random = new StableRandom(seed);
        var invented = new List<TextPair>(count);
        for (var i = 0; i < count; i++)
        {
            var text = new char[Shortest + random.Next(Longest - Shortest + 1)];
            for (var at = 0; at < text.Length; at++) text[at] = (char)('a' + random.Next(Letters));
            invented.Add(new TextPair(new string(text), new string([.. text.Reverse()])));
        }
        return invented;
    }
}
