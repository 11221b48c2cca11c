using Dolmen.Modeling;
using Dolmen.Tokenization;

namespace Dolmen.Training;

public enum ScheduleKind { WarmupCosine, WarmupStableDecay }

/// <summary>What the three training stages share.</summary>
/// <param name="MicroBatchTokens">Tokens of one forward and backward pass; a batch larger than this is accumulated.</param>
/// <param name="CheckpointMinutes">A checkpoint at least this often, and always when interrupted.</param>
/// <param name="ValidationTokens">Held-out tokens a validation looks at.</param>
/// <param name="Validations">Validations spread over the run, the last at its end.</param>
/// <param name="SamplePrompt">Continued greedily at every validation, to see the model learn to write.</param>
/// <param name="LongRows">What happens to conversations that are longer than the context; what is cut or left out is counted. A pair of
/// DPO or of an encoder-decoder is never cut: one that is too long is left out and counted, or an error where that is chosen.</param>
public sealed record TrainingRecipe(
    int ContextLength = 256, Precision Precision = Precision.Auto, int MicroBatchTokens = 4096, double CheckpointMinutes = 2, int KeepCheckpoints = 2,
    int LogEverySteps = 10, int ValidationTokens = 65536, int Validations = 10, string SamplePrompt = "## System.String.Trim()\n", int SampleTokens = 48,
    LongRows LongRows = LongRows.KeepEnd);

/// <summary>AdamW (Loshchilov and Hutter 2019); the decay touches matrices only.</summary>
/// <param name="StateSpaceLearningRate">The most that parameters of a structured state space (S4, H3) get: they are trained slowly and
/// without decay (Gu et al. 2022).</param>
public sealed record OptimizerRecipe(
    double LearningRate, double WeightDecay = 0.1, double Beta1 = 0.9, double Beta2 = 0.95, double Epsilon = 1e-8, double ClipNorm = 1.0,
    double StateSpaceLearningRate = 1e-3);

/// <param name="WarmupFraction">Share of the steps in which the rate rises linearly from 0.</param>
/// <param name="DecayFraction">Share of the steps in which it falls (warmup-stable-decay; Hu et al. 2024).</param>
/// <param name="FinalFraction">Rate at the end, as a share of the peak.</param>
public sealed record ScheduleRecipe(
    ScheduleKind Kind = ScheduleKind.WarmupCosine, double WarmupFraction = 0.02, double DecayFraction = 0.2, double FinalFraction = 0.1);

/// <param name="BatchTokens">The global batch, in tokens.</param>
/// <param name="TotalTokens">How long to train; 0 is one pass over the data, or what the pipeline's minutes allow.</param>
public sealed record PretrainRecipe(OptimizerRecipe Optimizer, ScheduleRecipe Schedule, int BatchTokens = 8192, long TotalTokens = 0);

/// <inheritdoc cref="PretrainRecipe"/>
public sealed record SftRecipe(OptimizerRecipe Optimizer, ScheduleRecipe Schedule, int BatchTokens = 8192, long TotalTokens = 0);

/// <summary>Direct preference optimisation (Rafailov et al. 2023).</summary>
/// <param name="Beta">How strongly the policy is held to the reference: larger is closer.</param>
/// <param name="BatchPairs">Pairs an optimizer step.</param>
/// <param name="TotalPairs">How long to train; 0 is one pass over the data, or what the pipeline's minutes allow.</param>
public sealed record DpoRecipe(
    OptimizerRecipe Optimizer, ScheduleRecipe Schedule, double Beta = 0.1, int BatchPairs = 32, long TotalPairs = 0);
