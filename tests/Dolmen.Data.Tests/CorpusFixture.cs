using System.Text;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Building;

namespace Dolmen.Tests.Data;

/// <summary>A temporary folder of input files and the corpora built from it.</summary>
internal sealed class CorpusFixture : IDisposable
{
    private sealed class Silent : IProgress<StageProgress>
    {
        public void Report(StageProgress value) { }
    }

    public static IProgress<StageProgress> NoProgress { get; } = new Silent();

    public string Root { get; } = Directory.CreateTempSubdirectory("dolmen-data-").FullName;

    public string Input => Path.Combine(Root, "input");

    public string Output => Path.Combine(Root, "corpus");

    public CorpusFixture File(string name, string text) => File(name, Encoding.UTF8.GetBytes(text));

    public CorpusFixture File(string name, byte[] bytes)
    {
        var path = Path.Combine(Input, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path) ?? Input);
        System.IO.File.WriteAllBytes(path, bytes);
        return this;
    }

    public CorpusFixture Members(params (string Id, string Tags)[] members) =>
        File(
            "api.xml",
            $"<doc><members>{string.Concat(members.Select(m => $"<member name=\"{m.Id}\">{m.Tags}</member>"))}</members></doc>"
        );

    /// <summary>Types whose members have texts, parameters, results and exceptions of their own: enough to align on.</summary>
    public CorpusFixture ManyMembers(int types = 40)
    {
        string[] verbs = ["Read", "Write", "Open", "Close", "Find", "Remove", "Count", "Merge", "Split", "Parse"];
        string[] nouns = ["Stream", "Packet", "Ledger", "Beacon", "Harbor", "Lantern", "Orchard", "Quarry"];
        var members = new List<(string, string)>();
        for (var t = 0; t < types; t++)
        {
            var noun = $"{nouns[t % nouns.Length]}{nouns[t / nouns.Length]}";
            members.Add(($"T:Stones.{noun}", $"<summary>Holds the {noun} of a dolmen.</summary>"));
            foreach (var verb in verbs)
                members.Add(
                    (
                        $"M:Stones.{noun}.{verb}{nouns[(t + verb.Length) % nouns.Length]}(System.String,System.Int32)",
                        $"<summary>{verb}s what the {noun} holds at a place.</summary><param name=\"name\">The name of the {noun} to "
                            + $"{verb}.</param><param name=\"place\">The place.</param>"
                            + $"<returns>What {verb} found in {noun}.</returns><exception "
                            + $"cref=\"T:System.ArgumentNullException\"><paramref name=\"name\"/> is null in {noun}.</exception>"
                    )
                );
        }
        return Members([.. members]);
    }

    public CorpusReport Build(CorpusRecipe? recipe = null, ulong seed = 0, string? output = null) =>
        CorpusBuild
            .Run(recipe ?? new CorpusRecipe(HeldOutFraction: 0), [Input], output ?? Output, seed, NoProgress, CancellationToken.None)
            .Report;

    public string Documents() => string.Join("\n---\n", CorpusText.ReadDocuments(Output));

    public IEnumerable<JsonNode> Rows(string file) => RowsOf(Output, file);

    public static IEnumerable<JsonNode> RowsOf(string corpus, string file) =>
        System.IO.File.ReadLines(Path.Combine(corpus, file)).Select(l => JsonNode.Parse(l) ?? throw new InvalidDataException(file));

    public void Dispose()
    {
        if (Directory.Exists(Root)) Directory.Delete(Root, recursive: true);
    }
}
