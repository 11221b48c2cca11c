using System.Globalization;
using Dolmen.Artifacts;

namespace Dolmen.Tests.Data.Quality;

/// <summary>Two kinds of text over the same common words: each kind slips in words of its own now and then.</summary>
internal static class TwoDomains
{
    public static readonly string[] GoodWords = ["theorem", "granite", "lantern", "harvest", "compass"];
    public static readonly string[] RawWords = ["casino", "discount", "subscribe", "giveaway", "cheap"];

    /// <param name="share">How many of its words are of the kind rather than common to both.</param>
    public static string Text(bool good, int number, double share = 0.06, int words = 60)
    {
        var random = new StableRandom((ulong)((number * 2) + (good ? 1 : 0)));
        var own = good ? GoodWords : RawWords;
        return string.Join(
            ' ',
            Enumerable
                .Range(0, words)
                .Select(_ =>
                    random.NextDouble() < share
                        ? own[random.Next(own.Length)]
                        : "common"
                            + random
                                .Next(150)
                                .ToString(CultureInfo.InvariantCulture)
                                .Replace('0', 'o')
                                .Replace('1', 'i')
                                .Replace('2', 'z')
                                .Replace('3', 'e')
                                .Replace('4', 'a')
                                .Replace('5', 's')
                                .Replace('6', 'g')
                                .Replace('7', 't')
                                .Replace('8', 'b')
                                .Replace('9', 'q')
                )
        );
    }

    public static void WriteSets(string folder, int each = 400)
    {
        Write(Path.Combine(folder, "good.jsonl"), Enumerable.Range(0, each).Select(i => Text(true, i)));
        Write(Path.Combine(folder, "raw.jsonl"), Enumerable.Range(0, each).Select(i => Text(false, i)));
    }

    public static void Write(string path, IEnumerable<string> texts) =>
        File.WriteAllLines(path, texts.Select(t => $"{{\"text\":\"{t}\"}}"));
}
