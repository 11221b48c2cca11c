using System.Text.Json.Nodes;
using Dolmen.Checkpoints;

namespace Dolmen.Pipeline;

/// <summary>What a manifest tells of a model folder.</summary>
public static class ModelFacts
{
    public static JsonObject Of(string directory) => Of(HuggingFaceFolder.LoadConfig(directory));

    public static JsonObject Of(ModelConfig config) => new()
    {
        ["architecture"] = HuggingFaceFolder.ModelType(config),
        ["parameters"] = config.Parameters,
        ["contextLength"] = config.ContextLength,
        ["vocabSize"] = config.VocabSize,
    };
}
