using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

/// <summary>Real text in many scripts with the ids other people's code gives for it, and a tokenizer for it (Goldens/README.md).</summary>
internal static class Samples
{
    public static readonly string Goldens = Path.Combine(AppContext.BaseDirectory, "Goldens");

    public static readonly IReadOnlyList<(string Text, int[] Ids)> HuggingFace =
        [.. File.ReadLines(Path.Combine(Goldens, "huggingface-ids.jsonl")).Select(line =>
    {
        var row = JsonDocument.Parse(line).RootElement;
        return (row.GetProperty("text").GetString() ?? "", row.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).ToArray());
    })];

    public static readonly BpeTokenizer Tokenizer = (BpeTokenizer)TokenizerFolder.Load(Goldens);

    public static IEnumerable<string> Texts => HuggingFace.Select(row => row.Text);

    public static BpeTokenizer Train(IEnumerable<string> documents, int vocabSize, int minPairCount = 2, int? threads = null) =>
        BpeTrainer.Train(documents, new TokenizerRecipe(vocabSize, minPairCount), NoProgress.Instance, CancellationToken.None, threads);

    /// <summary>A folder that is gone when the test ends.</summary>
    public sealed class Folder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("dolmen-tokenization-").FullName;

        public string File(string name) => System.IO.Path.Combine(Path, name);

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }

    public sealed class NoProgress : IProgress<StageProgress>
    {
        public static readonly NoProgress Instance = new();

        public void Report(StageProgress value) { }
    }
}
