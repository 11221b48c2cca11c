using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Building;

namespace Dolmen.Pipeline.Stages;

/// <summary>Training and held-out text as token shards.</summary>
internal sealed class TokensStage : PipelineStage
{
    public override string Name => "tokens";

    public override JsonNode? Recipe(PipelineContext run) => null;

    public override IReadOnlyList<string> Inputs(PipelineContext run) =>
        [$"corpus/{CorpusFolder.Documents}", $"corpus/{CorpusFolder.HeldOut}", "tokenizer/tokenizer.json"];

    public override void Run(PipelineContext run, string directory) =>
        CorpusTokens.Pack(run.At("corpus"), run.At("tokenizer"), directory, run.Progress, run.Stop);

    public override JsonObject Facts(string directory) => TokenFacts.Of(directory);

    public override void Take(PipelineContext run, string directory)
    {
        var (counts, context) = (TokenFacts.Counts(directory), run.Recipe.Training.ContextLength);
        foreach (var (what, name) in new[] { ("training", "trainTokens"), ("held-out", "valTokens") })
        {
            var count = counts[name]?.GetValue<long>() ?? 0;
            if (count > context) continue;
            throw new UserErrorException(
                $"training.contextLength is {context} but there are only {count} {what} tokens: a context must fit into the text. "
                    + $"Add documents with --input, or choose a smaller one with --set training.contextLength="
                    + $"{Math.Max(8, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, count / 4)))}."
            );
        }
    }
}
