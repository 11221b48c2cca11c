using Dolmen.Checkpoints;

namespace Dolmen.Inference;

/// <summary>How to sample where nobody says: as the model's generation_config.json says, or else the caller's own defaults.</summary>
/// <param name="MaxTokens">Null where the model says nothing.</param>
public sealed record SamplingDefaults(
    double Temperature,
    int TopK = 0,
    double TopP = 1,
    double MinP = 0,
    double RepetitionPenalty = 1,
    int? MaxTokens = null,
    int MinTokens = 0
)
{
    /// <summary>As <see cref="SamplingOptions.TypicalP"/>.</summary>
    public double TypicalP { get; init; } = 1;

    /// <summary>Tokens that the model must never say.</summary>
    public IReadOnlyList<int> Suppressed { get; init; } = [];

    /// <summary>Texts at which every text ends, besides those that a caller names.</summary>
    public IReadOnlyList<string> Stops { get; init; } = [];

    /// <param name="temperature">Where the model names none. <c>do_sample</c> false is temperature 0, true without a temperature is
    /// 1.</param>
    public static SamplingDefaults Of(GenerationSettings model, double temperature) => new(
        model.DoSample == false ? 0 : model.Temperature ?? (model.DoSample == true ? 1 : temperature),
        Math.Max(0, model.TopK ?? 0), model.TopP is > 0 and <= 1 ? model.TopP.Value : 1, model.MinP ?? 0, model.RepetitionPenalty ?? 1,
        model.MaxNewTokens > 0 ? model.MaxNewTokens : null, Math.Max(0, model.MinNewTokens ?? 0))
    {
        TypicalP = model.TypicalP is > 0 and <= 1 ? model.TypicalP.Value : 1, Suppressed = model.Suppressed, Stops = model.Stops,
    };
}
