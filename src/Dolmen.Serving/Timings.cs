using Dolmen.Inference;

namespace Dolmen.Serving;

/// <summary>How long prompt and answer took, in the fields of llama.cpp's server; of several texts, all together.</summary>
/// <param name="CacheN">Prompt tokens that were known from earlier requests.</param>
/// <param name="PromptN">Prompt tokens that were computed.</param>
/// <param name="PredictedN">Tokens of the answer that were computed; the first comes with the prompt.</param>
/// <param name="StateBytes">Not in llama.cpp: memory of what the model remembered of prompt and answer at the end.</param>
internal sealed record Timings(
    int CacheN, int PromptN, double PromptMs, double PromptPerSecond, int PredictedN, double PredictedMs, double PredictedPerSecond,
    long StateBytes)
{
    public static Timings Of(IReadOnlyList<GenerationResult> results)
    {
        var all = new GenerationStatistics(
            results.Sum(result => result.Statistics.PrefillTokens), results.Sum(result => result.Statistics.PrefillSeconds),
            results.Sum(result => result.Statistics.DecodeTokens), results.Sum(result => result.Statistics.DecodeSeconds));
        return new Timings(
            results.Sum(result => result.Statistics.CachedTokens),
            all.PrefillTokens, all.PrefillSeconds * 1000, all.PrefillTokensPerSecond,
            all.DecodeTokens, all.DecodeSeconds * 1000, all.DecodeTokensPerSecond,
            results.Sum(result => result.Statistics.StateBytes));
    }
}
