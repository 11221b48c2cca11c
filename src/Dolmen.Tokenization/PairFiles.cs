using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>A text and what it becomes.</summary>
public sealed record TextPair(string Source, string Target);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(TextPair))]
internal sealed partial class PairJson : JsonSerializerContext;

/// <summary>Pairs as a user names them: one file of JSON lines <c>{"source","target"}</c>, two files of equally many lines, each also .gz, or
/// <c>reverse:COUNT:SEED</c>, invented strings of 10 to 20 letters and the same backwards.</summary>
public static class PairFiles
{
    private const string Reverse = "reverse";
    private const int Shortest = 10, Longest = 20, Letters = 26;

    public static bool IsInvented(string pairs) => pairs == Reverse || pairs.StartsWith(Reverse + ":", StringComparison.Ordinal);

    /// <exception cref="UserErrorException">No such file, unequal numbers of lines, or a line that is no pair.</exception>
    public static IReadOnlyList<TextPair> Read(string pairs)
    {
        if (IsInvented(pairs)) return Invent(pairs);
        var files = pairs.Split(',', StringSplitOptions.TrimEntries);
        if (files.Length > 2) throw new UserErrorException($"--pairs names {files.Length} files: it takes one of JSON lines, or two with a comma between them.");
        if (files.Length == 1) return ReadJson(files[0]);
        var (sources, targets) = (Lines(files[0]), Lines(files[1]));
        if (sources.Count != targets.Count)
            throw new UserErrorException($"{files[0]} has {sources.Count} lines but {files[1]} has {targets.Count}: line n of one must be the translation of line n of the other.");
        List<TextPair> read = [.. sources.Zip(targets, (source, target) => new TextPair(source, target)).Where(pair => pair.Source.Length > 0 && pair.Target.Length > 0)];
        return read.Count > 0 ? read : throw new UserErrorException($"{pairs} holds no pair.");
    }

    /// <summary>Of what decides the pairs: the files' bytes.</summary>
    public static string Hash(string pairs) =>
        IsInvented(pairs) ? pairs : string.Concat(pairs.Split(',', StringSplitOptions.TrimEntries).Select(StableHash.Sha256OfFile));

    private static List<TextPair> ReadJson(string file)
    {
        var (read, number) = (new List<TextPair>(), 0);
        foreach (var line in Lines(file))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            try
            {
                read.Add(JsonSerializer.Deserialize(line, PairJson.Default.TextPair)
                    ?? throw new UserErrorException($"{file}, line {number} is null: each line is one object with \"source\" and \"target\"."));
            }
            catch (JsonException error)
            {
                throw new UserErrorException($"{file}, line {number}: {error.Message} Each line is one object with \"source\" and \"target\".", error);
            }
        }
        return read.Count > 0 ? read : throw new UserErrorException($"{file} holds no pair.");
    }

    private static List<string> Lines(string file)
    {
        if (!File.Exists(file)) throw new UserErrorException($"{file} does not exist: --pairs takes one file of JSON lines or two of text.");
        try
        {
            using Stream raw = File.OpenRead(file), stream = file.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(raw, CompressionMode.Decompress) : raw;
            using var reader = new StreamReader(stream, Encoding.UTF8);
            var lines = new List<string>();
            while (reader.ReadLine() is { } line) lines.Add(line.Trim());
            return lines;
        }
        catch (InvalidDataException error)
        {
            throw new UserErrorException($"{file} is no gzip file although it is named so: {error.Message}", error);
        }
    }

    private static List<TextPair> Invent(string pairs)
    {
        var parts = pairs.Split(':');
        var (count, seed) = (100_000, 1UL);
        if (parts.Length > 3 || (parts.Length > 1 && (!int.TryParse(parts[1], out count) || count < 1)) || (parts.Length > 2 && !ulong.TryParse(parts[2], out seed)))
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
