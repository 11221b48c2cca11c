using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Retrieval;

namespace Dolmen.Pipeline.Stages;

/// <summary>The documents as an index that answers are found in.</summary>
internal sealed class IndexStage : PipelineStage
{
    /// <summary>From the run's directory.</summary>
    public const string File = $"{IndexPlace.Folder}/{DocumentIndex.FileName}";

    public override string Name => IndexPlace.Folder;

    public override JsonNode? Recipe(PipelineContext run) => null;

    public override IReadOnlyList<string> Inputs(PipelineContext run) => [$"corpus/{CorpusFolder.Passages}"];

    public override void Run(PipelineContext run, string directory) =>
        DocumentIndex.Build(
            Path.Combine(directory, DocumentIndex.FileName),
            PassageFile.Read(run.At("corpus", CorpusFolder.Passages)),
            run.Progress,
            run.Stop
        );

    public override JsonObject Facts(string directory)
    {
        var file = Path.Combine(directory, DocumentIndex.FileName);
        using var index = DocumentIndex.Open(file);
        return new JsonObject { ["passages"] = index.Count, ["bytes"] = new FileInfo(file).Length };
    }
}
