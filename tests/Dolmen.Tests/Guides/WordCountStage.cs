using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Pipeline.Stages;

namespace Dolmen.Tests.Guides;

// guide: docs/guides/add-a-stage.md
/// <summary>How many words the training text has, and how many different ones.</summary>
internal sealed class WordCountStage : PipelineStage
{
    public override string Name => "words";

    /// <summary>Nothing in the recipe changes what it makes.</summary>
    public override JsonNode? Recipe(PipelineContext run) => null;

    public override IReadOnlyList<string> Inputs(PipelineContext run) => ["corpus/documents"];

    public override void Run(PipelineContext run, string directory)
    {
        var (words, different) = (0L, new HashSet<string>(StringComparer.Ordinal));
        foreach (var text in CorpusText.ReadDocuments(run.At("corpus")))
        {
            run.Stop.ThrowIfCancellationRequested();
            foreach (var word in text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            {
                words++;
                different.Add(word);
            }
            run.Progress.Report(new StageProgress(Name, words, 0, "words"));
        }
        var counts = new JsonObject { ["words"] = words, ["different"] = different.Count };
        AtomicFile.WriteText(Path.Combine(directory, "words.json"), counts.ToJsonString());
    }

    public override JsonObject Facts(string directory) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(directory, "words.json")))?.AsObject() ?? [];
}
// end of guide
