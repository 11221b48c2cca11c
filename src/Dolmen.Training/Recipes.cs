using Dolmen.Modeling;
using Dolmen.Tokenization;
using Dolmen.Training.Optimizers;

namespace Dolmen.Training;

public enum ScheduleKind { WarmupCosine, WarmupStableDecay, Constant }

/// <summary>What the three training stages share.</summary>
/// <param name="Precision">The arithmetic of matrix products: <c>auto</c> measures this machine on the model's own shapes and keeps the
/// answer for the run; <c>float32</c> is libtorch's default, <c>float32OneDnn</c> and <c>float32Packed</c> (Dolmen's own) are often faster,
/// <c>bfloat16</c> is where the processor multiplies it natively. Weights, gradients and sums stay fp32 in all of them.</param>
/// <param name="MicroBatchTokens">Tokens of one forward and backward pass; a batch larger than this is accumulated.</param>
/// <param name="CheckpointMinutes">A checkpoint at least this often, and always when interrupted.</param>
/// <param name="ValidationTokens">Held-out tokens a validation looks at; fewer in a short run, so that validating stays below a twentieth
/// of the time.</param>
/// <param name="Validations">Validations spread over the run, the last at its end; fewer in a short run.</param>
/// <param name="AverageDecay">Validates and saves an exponential moving average of the weights that keeps this share of itself a step
/// (0.999 is usual); 0 takes the weights themselves.</param>
/// <param name="SamplePrompt">Continued greedily at every validation, in a short run at the last one, to see the model learn to
/// write.</param>
/// <param name="LongRows">What happens to conversations and to pairs of answers that are longer than the context; what is cut or left out
/// is counted. A pair of an encoder-decoder is never cut: one that is too long is left out and counted, or an error where that is
/// chosen.</param>
/// <param name="DocumentMasking">Whether documents that share a row in pretraining are read as if each were alone, and their
/// beginning-of-text tokens are not targets. Otherwise a row is one stream, as in nanoGPT and llm.c: cheaper, and a model learns that a
/// beginning-of-text token ends what came before. Conversations are always read alone.</param>
public sealed record TrainingRecipe(
    int ContextLength = 256,
    Precision Precision = Precision.Auto,
    int MicroBatchTokens = 4096,
    double CheckpointMinutes = 2,
    int KeepCheckpoints = 2,
    int LogEverySteps = 10,
    int ValidationTokens = 65536,
    int Validations = 10,
    string SamplePrompt = "## System.String.Trim()\n",
    int SampleTokens = 48,
    LongRows LongRows = LongRows.KeepEnd,
    bool DocumentMasking = false,
    double AverageDecay = 0
);

/// <param name="WarmupFraction">Share of the steps in which the rate rises linearly from 0.</param>
/// <param name="DecayFraction">Share of the steps in which it falls (warmup-stable-decay; Hu et al. 2024).</param>
/// <param name="FinalFraction">Rate at the end, as a share of the peak; <see cref="ScheduleKind.Constant"/> stays at the peak.</param>
public sealed record ScheduleRecipe(
    ScheduleKind Kind = ScheduleKind.WarmupCosine, double WarmupFraction = 0.02, double DecayFraction = 0.2, double FinalFraction = 0.1);

/// <param name="BatchTokens">The global batch, in tokens.</param>
/// <param name="TotalTokens">How long to train; 0 is one pass over the data, or what the pipeline's minutes allow.</param>
/// <param name="ContextLength">Of the rows of pretraining, where that of the other stages is longer, and at most theirs; 0 takes
/// theirs.</param>
public sealed record PretrainRecipe(
    OptimizerRecipe Optimizer, ScheduleRecipe Schedule, int BatchTokens = 8192, long TotalTokens = 0, int ContextLength = 0)
{
    /// <summary>How pretraining itself trains: its rows may be shorter than those of the other stages.</summary>
    public TrainingRecipe Training(TrainingRecipe training) =>
        ContextLength > 0 ? training with { ContextLength = ContextLength } : training;
}

/// <inheritdoc cref="PretrainRecipe"/>
/// <param name="LearnPrompts">Also learns to write what users say (Shi et al. 2024, "Instruction Tuning With Loss Over Instructions"): pays
/// where prompts are long and answers short, as with passages, since the model goes on learning the documents themselves.</param>
public sealed record SftRecipe(
    OptimizerRecipe Optimizer, ScheduleRecipe Schedule, int BatchTokens = 8192, long TotalTokens = 0, bool LearnPrompts = false);

/// <summary>Direct preference optimisation (Rafailov et al. 2023).</summary>
/// <param name="Beta">How strongly the policy is held to the reference: larger is closer.</param>
/// <param name="BatchPairs">Pairs an optimizer step.</param>
/// <param name="TotalPairs">How long to train; 0 is one pass over the data, or what the pipeline's minutes allow.</param>
public sealed record DpoRecipe(
    OptimizerRecipe Optimizer, ScheduleRecipe Schedule, double Beta = 0.1, int BatchPairs = 32, long TotalPairs = 0);
