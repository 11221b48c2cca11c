using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Dolmen.Serving.LlamaCpp;

// What llama.cpp's server answers with, field by field; snake_case by the serializer's policy.

/// <param name="Tokens">Ids, or <see cref="TokenPiece"/> objects.</param>
internal sealed record TokenList(JsonArray Tokens);

/// <param name="Piece">Its text; its bytes where they are not UTF-8 by themselves.</param>
internal sealed record TokenPiece(int Id, JsonNode Piece);

internal sealed record DetokenizedText(string Content);

/// <param name="Tokens">What the model reads. A message's text that looks like a control token is ordinary text in it, which cannot be
/// told from <paramref name="Prompt"/>. Not among llama.cpp's fields.</param>
internal sealed record AppliedTemplate(string Prompt, IReadOnlyList<int> Tokens);

/// <param name="ModelPath">The model's name: where it lies is not for clients.</param>
/// <param name="Meta">As llama.cpp has it in its list of models.</param>
internal sealed record ServerProps(
    DefaultSettings DefaultGenerationSettings, int TotalSlots, string ModelAlias, string ModelPath, Modalities Modalities,
    bool EndpointSlots, bool EndpointProps, bool EndpointMetrics, string ChatTemplate, string BosToken, string EosToken, string BuildInfo,
    ModelMeta Meta, StateMemory State);

internal sealed record DefaultSettings(SlotParams Params, int NCtx);

internal sealed record Modalities(bool Vision, bool Audio);

/// <param name="Size">Bytes of the weights in memory; null where they are not counted.</param>
internal sealed record ModelMeta(int NVocab, int NCtxTrain, long NParams, long? Size, string Description);

/// <summary>Bytes that the model remembers texts in, and most that it may. Not among llama.cpp's fields.</summary>
/// <param name="Cached">Of those, what is kept for prompts that begin alike.</param>
internal sealed record StateMemory(long Bytes, long Cached, long Limit);

/// <param name="MaxTokens">-1 where nothing but the context limits the text.</param>
internal sealed record SlotParams(
    ulong Seed, double Temperature, int TopK, double TopP, double MinP, double TypicalP, double RepeatPenalty, double PresencePenalty,
    double FrequencyPenalty, double DryMultiplier, double DryBase, int DryAllowedLength, int DryPenaltyLastN, int MaxTokens, int NPredict,
    bool IgnoreEos, int NProbs);

/// <summary>A place for a text; what it holds is not told.</summary>
internal sealed record SlotEntry(int Id, int NCtx, bool Speculative, bool IsProcessing)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? IdTask { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? NPromptTokens { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? NPromptTokensProcessed { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? NPromptTokensCache { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SlotParams? Params { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<SlotProgress>? NextToken { get; init; }
}

internal sealed record SlotProgress(bool HasNextToken, int NRemain, int NDecoded);
