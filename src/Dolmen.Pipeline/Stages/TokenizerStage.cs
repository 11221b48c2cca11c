using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Tokenization;

namespace Dolmen.Pipeline.Stages;

/// <summary>A vocabulary learned from the training text.</summary>
internal sealed class TokenizerStage : PipelineStage
{
    public override string Name => "tokenizer";

    public override JsonNode? Recipe(PipelineContext run) => run.Part("tokenizer");

    public override IReadOnlyList<string> Inputs(PipelineContext run) => [$"corpus/{CorpusFolder.Documents}"];

    public override void Run(PipelineContext run, string directory)
    {
        var texts = CorpusText.ReadTexts(run.At("corpus"));
        var trained = BpeTrainer.Train(texts, run.Recipe.Tokenizer, run.Progress, run.Stop, run.Threads);
        TokenizerFolder.Save(trained.Tokenizer, directory, run.Recipe.Training.ContextLength);
    }

    public override JsonObject Facts(string directory) => new() { ["vocabSize"] = TokenizerFolder.Load(directory).VocabSize };
}
