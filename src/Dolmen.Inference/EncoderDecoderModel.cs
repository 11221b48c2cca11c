using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference;

/// <summary>A model that writes a target for a source: <see cref="Encode"/> the source once, then go on as with any language model, the
/// first token being the one that begins a text.</summary>
public abstract unsafe class EncoderDecoderModel : LanguageModel
{
    private readonly WeightSource _weights;
    private string? _identity;

    private protected EncoderDecoderModel(WeightSource weights, int? threads)
    {
        _weights = weights;
        Pass = new DecodePass(Math.Clamp(threads ?? ThreadTeam.Shared.Threads, 1, ThreadTeam.Shared.Threads));
    }

    private protected DecodePass Pass { get; }

    /// <summary>Which model a state belongs to.</summary>
    private protected string Identity => _identity ??= $"{Config} {_weights.Fingerprint}";

    public sealed override void Reload(Func<string, ReadOnlyMemory<float>> weights)
    {
        _weights.Reload(weights);
        _identity = null;
    }

    /// <summary>Reads a source (at least one token) and begins its target: the state is as long as it was made for, and empty.</summary>
    public abstract void Encode(ReadOnlySpan<int> source, DecodeState state);

    /// <summary>How much the last step looked at each source token; empty where the model has no attention or has made no step.</summary>
    public static IReadOnlyList<float> AttentionOf(DecodeState state) => StateOf(state).Attention;

    public sealed override void Forward(params ReadOnlySpan<SequenceSlice> batch)
    {
        SequenceSlice.Check(batch, Identity, Config.VocabSize, dModel: 0);
        foreach (var slice in batch)
        {
            if (StateOf(slice.State).SourceLength == 0)
                throw new InvalidOperationException("The state has no source yet: Encode one first.");
        }
        // A row for each slice that has a token at this place: the target is written token by token.
        var slices = batch.ToArray();
        for (var at = 0;; at++)
        {
            SequenceSlice[] rows = [.. slices.Where(slice => slice.Tokens.Length > at)];
            if (rows.Length == 0) return;
            var (logits, stride) = Step(
                [.. rows.Select(slice => slice.Tokens.Span[at])], [.. rows.Select(slice => StateOf(slice.State))]);
            for (var row = 0; row < rows.Length; row++)
            {
                rows[row].State.Advance(1);
                Write(rows[row], at, logits.AsSpan(row * stride, Config.VocabSize));
            }
        }
    }

    /// <summary>Takes in a token for each of some states.</summary>
    /// <returns>The logits after each, (rows, stride), of which the first VocabSize of a row count.</returns>
    private protected abstract (float[] Logits, int Stride) Step(int[] tokens, PairState[] states);

    private static void Write(SequenceSlice slice, int at, Span<float> logits)
    {
        var fromEnd = slice.Tokens.Length - at;
        var row = slice.Logits.Length / logits.Length - fromEnd;
        if (row >= 0) logits.CopyTo(slice.Logits.Span[(row * logits.Length)..]);
        var target = slice.LogProbs.Length - fromEnd;
        if (target >= 0) slice.LogProbs.Span[target] = logits[slice.Targets.Span[target]] - Probabilities.LogSumExp(logits);
    }

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
        {
            if ((uint)token >= (uint)Config.VocabSize)
                throw new ArgumentOutOfRangeException(nameof(source), token, $"The vocabulary has {Config.VocabSize} tokens.");
        }
    }

    /// <summary>X·Wᵀ, (M, outputs) and the padding after each row.</summary>
    private protected float[] Product(WeightMatrix matrix, float[] x, int m)
    {
        var y = new float[(long)m * matrix.PaddedOutputs];
        fixed (float* from = x, to = y) Pass.Multiply(matrix, from, m, to);
        return y;
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing) return;
        Pass.Dispose();
        _weights.Dispose();
    }

    /// <summary>From a Hugging Face folder of ours.</summary>
    /// <exception cref="UserErrorException">The folder is incomplete or damaged.</exception>
    public static EncoderDecoderModel Load(
        string directory, int? threads = null, WeightPrecision precision = WeightPrecision.Stored)
    {
        var config = HuggingFaceFolder.LoadConfig(directory);
        using var weights = CheckpointWeights.Open(directory, config);
        return Build(config, weights.Reader(config), weights.DtypeOf, threads, precision);
    }

    /// <summary>The registration list: one line an architecture.</summary>
    /// <param name="weights">Gives a tensor of <see cref="ModelConfig.Tensors"/> by name, row-major; asked for each once.</param>
    public static EncoderDecoderModel Build(
        ModelConfig config,
        Func<string, ReadOnlyMemory<float>> weights,
        Func<string, TensorDtype>? dtype = null,
        int? threads = null,
        WeightPrecision precision = WeightPrecision.Stored
    )
    {
        if (config.Problems() is { Count: > 0 } problems) throw new ArgumentException(string.Join(" ", problems), nameof(config));
        var source = new WeightSource(weights, dtype ?? (_ => TensorDtype.Float32), precision);
        EncoderDecoderModel model = config switch
        {
            Seq2SeqConfig seq2seq => new Seq2SeqModel(seq2seq, source, threads),
            EncoderDecoderConfig transformer => new PairTransformerModel(transformer, source, threads),
            _ => throw new NotSupportedException($"{config.GetType().Name} has no source."),
        };
        source.Complete();
        return model;
    }
}
