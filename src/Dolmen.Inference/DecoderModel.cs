using System.Runtime.InteropServices;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference;

// M tokens of one pass, D model, V vocab

/// <summary>Runs any decoder-only language model on the CPU without any native library, built from its <see cref="DecoderPlan"/>. Results
/// do not depend on the number of threads, nor on how a prompt was cut into calls, with one exception: where rotary positions are scaled
/// by the sequence's length (dynamic, LongRoPE), the tokens of a call turn as in a sequence that ends with that call, and keys in the
/// cache stay as they were turned.</summary>
public sealed unsafe class DecoderModel : LanguageModel
{
    /// <summary>Logits held at once while scoring.</summary>
    private const long MaxLogits = 1 << 21;

    private readonly DecoderConfig _config;
    private readonly DecoderBody _body;
    private readonly PackedMatrix _head;
    private readonly string _identity;

    /// <param name="weights">Gives a tensor of <see cref="ModelConfig.Tensors"/> by name, row-major; asked for each once.</param>
    /// <param name="dtype">How matrices are kept in memory. <see cref="TensorDtype.BFloat16"/> rounds them, unless they were bf16
    /// before.</param>
    /// <param name="threads">All cores when left out.</param>
    public DecoderModel(DecoderConfig config, Func<string, ReadOnlyMemory<float>> weights, TensorDtype dtype = TensorDtype.Float32,
        int? threads = null) : this(config, weights, _ => dtype, threads) { }

    private DecoderModel(DecoderConfig config, Func<string, ReadOnlyMemory<float>> weights, Func<string, TensorDtype> dtype, int? threads)
    {
        if (config.Plan().Head is not LanguageHeadSpec head)
            throw new ArgumentException("The model scores or classifies texts: it has no logits of tokens.", nameof(config));
        _config = config;
        using var source = new WeightSource(weights, dtype);
        _body = new DecoderBody(config, source, threads);
        _head = head.Weight is null ? _body.Embedding : source.Matrix(new LinearSpec(head.Weight, head.VocabSize, head.DModel));
        _identity = $"{config} {source.Fingerprint}";
    }

    /// <summary>From a Hugging Face folder; matrices stored as bf16 stay bf16 in memory.</summary>
    /// <exception cref="UserErrorException">The folder is incomplete or damaged.</exception>
    public static DecoderModel Load(string directory, DecoderConfig config, int? threads = null)
    {
        using var weights = CheckpointWeights.Open(directory, config);
        return new DecoderModel(config, weights.Reader(config), weights.DtypeOf, threads);
    }

    public override ModelConfig Config => _config;

    /// <summary>Bytes the weights take in memory.</summary>
    public long WeightBytes => _body.WeightBytes + (_head == _body.Embedding ? 0 : _head.Bytes);

    /// <summary>An empty state. Where no layer grows with the tokens and no positions are learned it takes in any number of them, whatever
    /// <paramref name="capacity"/>.</summary>
    public override DecodeState NewState(int capacity) => _body.NewState(capacity, _identity);

    public override void Prefill(ReadOnlySpan<int> tokens, DecodeState state, Span<float> logits)
    {
        Check(tokens, state, logits.Length, 1);
        _body.Pass.SequenceLength = state.Length + tokens.Length;
        for (var done = 0; done < tokens.Length; done += DecoderBody.MaxRows)
        {
            var rows = tokens.Slice(done, Math.Min(DecoderBody.MaxRows, tokens.Length - done));
            _body.Forward(rows, state);
            if (done + rows.Length == tokens.Length) WriteLogits(rows.Length - 1, 1, logits);
        }
    }

    public override void Step(int token, DecodeState state, Span<float> logits) => Prefill([token], state, logits);

    /// <summary>Appends <paramref name="tokens"/>; writes the logits after each of them, (T, VocabSize).</summary>
    public void Logits(ReadOnlySpan<int> tokens, DecodeState state, Span<float> logits)
    {
        Check(tokens, state, logits.Length, tokens.Length);
        _body.Pass.SequenceLength = state.Length + tokens.Length;
        for (var done = 0; done < tokens.Length; done += DecoderBody.MaxRows)
        {
            var rows = tokens.Slice(done, Math.Min(DecoderBody.MaxRows, tokens.Length - done));
            _body.Forward(rows, state);
            var stride = _config.VocabSize;
            WriteLogits(0, rows.Length, logits.Slice(done * stride, rows.Length * stride));
        }
    }

    /// <summary>Appends <paramref name="tokens"/>; writes what the head reads after each of them, (T, D).</summary>
    public void LastHiddenStates(ReadOnlySpan<int> tokens, DecodeState state, Span<float> states)
    {
        _body.Check(tokens, state, _identity);
        _body.LastHiddenStates(tokens, state, states);
    }

    public override void LogProbs(ReadOnlySpan<int> tokens, ReadOnlySpan<int> targets, DecodeState state, Span<float> logProbs)
    {
        if (targets.Length != tokens.Length)
        {
            throw new ArgumentException($"{tokens.Length} tokens need as many targets, not {targets.Length}.", nameof(targets));
        }
        if (logProbs.Length != tokens.Length)
        {
            throw new ArgumentException($"{tokens.Length} tokens need as many places, not {logProbs.Length}.", nameof(logProbs));
        }
        Check(tokens, state, 0, 0);
        _body.CheckIds(targets, nameof(targets));
        _body.Pass.SequenceLength = state.Length + tokens.Length;
        for (var done = 0; done < tokens.Length; done += DecoderBody.MaxRows)
        {
            var rows = tokens.Slice(done, Math.Min(DecoderBody.MaxRows, tokens.Length - done));
            _body.Forward(rows, state);
            Score(rows.Length, targets.Slice(done, rows.Length), logProbs.Slice(done, rows.Length));
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing) return;
        _head.Dispose();
        _body.Dispose();
    }

    /// <summary>Of rows <paramref name="first"/> onwards of the stream, (<paramref name="count"/>, V).</summary>
    private void WriteLogits(int first, int count, Span<float> logits)
    {
        var normed = _body.LastHidden(first, count);                     // (count, D)
        var stride = _head.PaddedOutputs;
        var rowsAtOnce = RowsAtOnce(count);
        var wide = _body.Pass.Floats(Scratch.Logits, (long)rowsAtOnce * stride);
        for (var done = 0; done < count; done += rowsAtOnce)
        {
            var rows = Math.Min(rowsAtOnce, count - done);
            _body.Pass.Multiply(_head, normed + (long)done * _body.DModel, rows, wide);
            for (var i = 0; i < rows; i++)
            {
                new ReadOnlySpan<float>(wide + (long)i * stride, _config.VocabSize).CopyTo(logits[((done + i) * _config.VocabSize)..]);
            }
        }
    }

    private void Score(int m, ReadOnlySpan<int> targets, Span<float> logProbs)
    {
        var normed = _body.LastHidden(0, m);                             // (M, D)
        var stride = _head.PaddedOutputs;
        var rowsAtOnce = RowsAtOnce(m);
        var logits = _body.Pass.Floats(Scratch.Logits, (long)rowsAtOnce * stride);
        var results = new float[rowsAtOnce];
        for (var done = 0; done < m; done += rowsAtOnce)
        {
            var rows = Math.Min(rowsAtOnce, m - done);
            _body.Pass.Multiply(_head, normed + (long)done * _body.DModel, rows, logits);
            _body.Pass.Run(rows, long.MaxValue, i => results[i] = VectorMath.LogSumExp(logits + (long)i * stride, _config.VocabSize));
            for (var i = 0; i < rows; i++) logProbs[done + i] = logits[(long)i * stride + targets[done + i]] - results[i];
        }
    }

    private int RowsAtOnce(int rows) => Math.Min(rows, (int)Math.Clamp(MaxLogits / _head.PaddedOutputs, 12, DecoderBody.MaxRows));

    private void Check(ReadOnlySpan<int> tokens, DecodeState state, int places, int rows)
    {
        _body.Check(tokens, state, _identity);
        if (places != (long)rows * _config.VocabSize)
        {
            throw new ArgumentException(
                $"There are {places} places for logits; {rows} times the vocabulary's {_config.VocabSize} are needed.", nameof(places));
        }
    }
}
