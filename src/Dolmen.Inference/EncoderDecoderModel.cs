using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference;

/// <summary>A model that writes a target for a source: <see cref="Encode"/> the source once, then go on as with any language model, the
/// first token being the one that begins a text.</summary>
public abstract unsafe class EncoderDecoderModel : LanguageModel
{
    private protected EncoderDecoderModel(int? threads) =>
        Threads = Math.Clamp(threads ?? ThreadTeam.Shared.Threads, 1, ThreadTeam.Shared.Threads);

    private protected int Threads { get; }

    /// <summary>Reads a source (at least one token) and begins its target: the state is as long as it was made for, and empty.</summary>
    public abstract void Encode(ReadOnlySpan<int> source, DecodeState state);

    /// <summary>How much the last step looked at each source token; empty where the model has no attention or has made no step.</summary>
    public static IReadOnlyList<float> AttentionOf(DecodeState state) => StateOf(state).Attention;

    public override void Prefill(ReadOnlySpan<int> tokens, DecodeState state, Span<float> logits)
    {
        if (tokens.IsEmpty) throw new ArgumentException("At least one token is needed.", nameof(tokens));
        foreach (var token in tokens) Step(token, state, logits);
    }

    public override void LogProbs(ReadOnlySpan<int> tokens, ReadOnlySpan<int> targets, DecodeState state, Span<float> logProbs)
    {
        if (targets.Length != tokens.Length || logProbs.Length != tokens.Length)
            throw new ArgumentException(
                $"{tokens.Length} tokens need as many targets and places, not {targets.Length} and {logProbs.Length}.",
                nameof(targets)
            );
        var logits = new float[Config.VocabSize];
        for (var i = 0; i < tokens.Length; i++)
        {
            Step(tokens[i], state, logits);
            fixed (float* at = logits) logProbs[i] = logits[targets[i]] - VectorMath.LogSumExp(at, logits.Length);
        }
    }

    public sealed override void Step(int token, DecodeState state, Span<float> logits)
    {
        var inner = StateOf(state);
        if (inner.SourceLength == 0)
            throw new InvalidOperationException("The state has no source yet: Encode one first.");
        if (state.Length >= state.Capacity)
            throw new ArgumentException($"No room for another token: the state holds {state.Length} of {state.Capacity}.", nameof(state));
        if (logits.Length != Config.VocabSize)
            throw new ArgumentException($"logits has {logits.Length} places; the vocabulary has {Config.VocabSize}.", nameof(logits));
        CheckId(token);
        Step(token, inner, logits);
        state.Advance(1);
    }

    private protected abstract void Step(int token, PairState state, Span<float> logits);

    private protected static PairState StateOf(DecodeState state) =>
        state.Layers is [PairState inner]
            ? inner
            : throw new ArgumentException("The state was made by another kind of model.", nameof(state));

    private protected void CheckSource(ReadOnlySpan<int> source)
    {
        if (source.IsEmpty || source.Length > Config.ContextLength)
            throw new UserErrorException(
                $"The source has {source.Length} tokens: the model takes 1 to {Config.ContextLength}. Shorten it."
            );
        foreach (var token in source)
            CheckId(token);
    }

    private void CheckId(int token)
    {
        if ((uint)token >= (uint)Config.VocabSize)
            throw new ArgumentOutOfRangeException(nameof(token), token, $"The vocabulary has {Config.VocabSize} tokens.");
    }

    /// <summary>y = W·x, (outputs) and the padding after them.</summary>
    private protected float[] Product(PackedMatrix matrix, ReadOnlySpan<float> x)
    {
        var y = new float[matrix.PaddedOutputs];
        fixed (float* from = x, to = y) matrix.MultiplyRow(from, to, Threads);
        return y;
    }

    /// <summary>From a Hugging Face folder of ours; matrices stored as bf16 stay bf16 in memory.</summary>
    /// <exception cref="UserErrorException">The folder is incomplete or damaged.</exception>
    public static EncoderDecoderModel Load(string directory, int? threads = null)
    {
        var config = HuggingFaceFolder.LoadConfig(directory);
        using var weights = CheckpointWeights.Open(directory, config);
        return Build(config, weights.Reader(config), weights.DtypeOf, threads);
    }

    /// <summary>The registration list: one line an architecture.</summary>
    /// <param name="weights">Gives a tensor of <see cref="ModelConfig.Tensors"/> by name, row-major; asked for each once.</param>
    public static EncoderDecoderModel Build(
        ModelConfig config,
        Func<string, ReadOnlyMemory<float>> weights,
        Func<string, TensorDtype>? dtype = null,
        int? threads = null
    )
    {
        if (config.Problems() is { Count: > 0 } problems) throw new ArgumentException(string.Join(" ", problems), nameof(config));
        using var source = new WeightSource(weights, dtype ?? (_ => TensorDtype.Float32));
        return config switch
        {
            Seq2SeqConfig seq2seq => new Seq2SeqModel(seq2seq, source, threads),
            EncoderDecoderConfig transformer => new PairTransformerModel(transformer, source, threads),
            _ => throw new NotSupportedException($"{config.GetType().Name} has no source."),
        };
    }
}
