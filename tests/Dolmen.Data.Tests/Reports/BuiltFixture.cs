using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Cleaning;
using Dolmen.Data.Deduplication;
using Dolmen.Data.Filters;
using Dolmen.Data.Inputs;

namespace Dolmen.Tests.Data.Reports;

/// <summary>A corpus built of three small files of invented English: texts of different lengths, copies, near copies, texts of
/// dots.</summary>
public sealed class BuiltFixture : IDisposable
{
    private static readonly string[] Words = (
        "the old harbour keeps its lanterns lit through every winter night and people walk along stone walls to hear ships come home with "
            + "salt grain "
        + "letters from far islands where children learn songs about rivers that never sleep while bakers open early for sailors who have "
        + "not eaten since dawn"
    ).Split(' ');

    public string Root { get; } = Directory.CreateTempSubdirectory("dolmen-seeing-").FullName;

    internal static CleaningRecipe Recipe { get; } =
        new(
            new(),
            new(),
            new FilterSettings(new(), new(), new(), new() { MinSentences = 3 }, FineWebQuality: new(MaxDuplicateLineCharFraction: 0.2)),
            Dedup: new(MinHash: new MinHashSettings())
        );

    /// <param name="name">Folder below <see cref="Root"/>; what is built there already is not built again.</param>
    internal string Build(string name, CleaningRecipe? recipe = null, double heldOut = 0, int files = 3)
    {
        var (input, directory) = (Path.Combine(Root, "input"), Path.Combine(Root, name));
        if (Directory.Exists(directory)) return directory;
        if (!File.Exists(Path.Combine(input, "part0.jsonl"))) WriteInput(input, files);
        var funnel = new Funnel();
        _ =
            CleanCorpus.Build(
                recipe ?? Recipe,
                InputFiles.Find([input], funnel),
                funnel,
                directory,
                heldOut,
                0,
                CleaningRun.Default with
                {
                    Threads = 2,
                },
                CorpusFixture.NoProgress,
                CancellationToken.None
            ) ?? throw new InvalidOperationException("All shards are this process's.");
        return directory;
    }

    /// <summary>One more document, after all others.</summary>
    public BuiltFixture Add(string id, string url, string text)
    {
        Directory.CreateDirectory(Path.Combine(Root, "input"));
        File.AppendAllText(Path.Combine(Root, "input", "part9.jsonl"), JsonSerializer.Serialize(new { id, url, text }) + "\n");
        return this;
    }

    /// <summary>Sentences of eight words, seeded.</summary>
    public static string Text(int seed, int words)
    {
        var random = new Random(seed);
        var text = new StringBuilder();
        for (var i = 0; i < words; i++)
        {
            var word = Words[random.Next(Words.Length)];
            text.Append(i % 8 == 0 ? char.ToUpperInvariant(word[0]) + word[1..] : word)
                .Append(
                    i % 8 == 7 || i == words - 1
                        ? i % 40 == 39
                            ? ".\n"
                            : ". "
                        : " "
                );
        }
        return text.ToString().TrimEnd();
    }

    private static void WriteInput(string input, int files)
    {
        Directory.CreateDirectory(input);
        for (var f = 0; f < files; f++)
        {
            using var writer = new StreamWriter(Path.Combine(input, $"part{f}.jsonl"));
            for (var i = 0; i < 60; i++)
            {
                var text = (i % 10) switch
                {
                    0 => Text(i, 90),                                                   // the same in every file
                    1 => Text(i, 200) + $" Visit number {f} ends here.",               // nearly the same
                    2 => Text((f * 100) + i, 20 + (i / 2)),                             // around fifty words
                    3 => Text((f * 100) + i, 70) + "\nWe use cookies to improve what you see.\nPlease enable javascript now please.",
                    4 => string.Join('\n', Enumerable.Repeat(Text(i, 12), 8)),          // repeats itself
                    _ => Text((f * 100) + i, 60 + i),
                };
                writer.WriteLine(
                    JsonSerializer.Serialize(
                        new
                        {
                            id = $"doc-{f}-{i}",
                            url = $"https://www.site{i % 4}.example/{f}/{i}",
                            text,
                            date = $"2020-01-{(i % 28) + 1:00}",
                        }
                    )
                );
            }
        }
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
