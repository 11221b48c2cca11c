using Dolmen.Artifacts;
using Dolmen.Checkpoints;

namespace Dolmen.Training;

/// <summary>Where a stage works and who it tells. A stage started again in the same directory goes on from its last checkpoint and ends
/// with the same bits.</summary>
public sealed record TrainingContext(string OutDirectory, ulong Seed, TrainingRecipe Training, IProgress<StageProgress> Progress, CancellationToken Stop);

/// <param name="BitsPerByte">Of held-out text after the last step; null where the stage has none.</param>
public sealed record TrainingOutcome(long Tokens, int Steps, double Seconds, double TokensPerSecond, double Loss, double? BitsPerByte, long Parameters);

/// <summary>The three ways a model is trained on fixed data. Each leaves <c>model/</c> (a Hugging Face folder), <c>metrics.jsonl</c>,
/// TensorBoard events and <c>checkpoints/</c> in its directory.</summary>
public static class TrainingStages
{
    /// <summary>Measured on this machine with this model: warm-up, then the median of several steps.</summary>
    public static double MeasureTokensPerSecond(ModelConfig model, TrainingRecipe training, int batchTokens) => throw new NotSupportedException();

    /// <param name="tokensDirectory">Holds <c>train.bin</c> and <c>val.bin</c> (token shards) and <c>tokens.json</c>.</param>
    /// <exception cref="OperationCanceledException">Stopped; a checkpoint was written.</exception>
    public static TrainingOutcome Pretrain(ModelConfig model, PretrainRecipe recipe, string tokensDirectory, string tokenizerDirectory, TrainingContext context) =>
        throw new NotSupportedException();

    /// <param name="conversationsFile">JSON lines of <c>{"messages":[…]}</c>.</param>
    public static TrainingOutcome Sft(SftRecipe recipe, string modelDirectory, string conversationsFile, TrainingContext context) =>
        throw new NotSupportedException();

    /// <param name="preferencesFile">JSON lines of <c>{"prompt","chosen","rejected"}</c>.</param>
    public static TrainingOutcome Dpo(DpoRecipe recipe, string modelDirectory, string preferencesFile, TrainingContext context) =>
        throw new NotSupportedException();
}
