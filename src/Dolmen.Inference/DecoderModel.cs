using System.Runtime.InteropServices;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference;

// M tokens of one pass, D model, V vocab

/// <summary>Runs any decoder-only architecture on the CPU without any native library, built from its <see cref="DecoderPlan"/>. Results do
/// not depend on the number of threads, nor on how a prompt was cut into calls, with one exception: where rotary positions are scaled by
/// the
/// sequence's length (dynamic, LongRoPE), the tokens of a call turn as in a sequence that ends with that call, and keys in the cache stay
/// as
/// they were turned.</summary>
public sealed unsafe class DecoderModel : LanguageModel
{
    /// <summary>Longer inputs go through in passes of this many tokens: a whole number of register tiles, small enough for the
    /// cache.</summary>
    private const int MaxRows = 288;

    /// <summary>Logits held at once while scoring.</summary>
    private const long MaxLogits = 1 << 21;

    private readonly DecoderConfig _config;
    private readonly int _dModel;
    private readonly DecodeBlock[] _blocks;
    private readonly PackedMatrix _embedding;
    private readonly PackedMatrix? _positions;
    private readonly PackedMatrix _head;
    private readonly DecodeNorm _norm;
    private readonly DecodePass _pass;
    private readonly int _outputStride;
    private readonly string _identity;

    /// <param name="weights">Gives a tensor of <see cref="ModelConfig.Tensors"/> by name, row-major; asked for each once.</param>
    /// <param name="dtype">How matrices are kept in memory. <see cref="TensorDtype.BFloat16"/> rounds them, unless they were bf16
    /// before.</param>
    /// <param name="threads">All cores when left out.</param>
    public DecoderModel(DecoderConfig config, Func<string, ReadOnlyMemory<float>> weights, TensorDtype dtype = TensorDtype.Float32,
        int? threads = null) : this(config, weights, _ => dtype, threads) { }

    private DecoderModel(DecoderConfig config, Func<string, ReadOnlyMemory<float>> weights, Func<string, TensorDtype> dtype, int? threads)
    {
        if (config.Problems() is { Count: > 0 } problems) throw new ArgumentException(string.Join(" ", problems), nameof(config));
        _config = config;
        _pass = new DecodePass(Math.Clamp(threads ?? ThreadTeam.Shared.Threads, 1, ThreadTeam.Shared.Threads));
        var plan = config.Plan();
        _dModel = plan.DModel;
        using var source = new WeightSource(weights, dtype);
        _embedding = source.Matrix(new LinearSpec(plan.Embedding, plan.VocabSize, _dModel));
        if (plan.Positions is { } positions) _positions = source.Matrix(new LinearSpec(positions.Name, (int)positions.Shape[0], _dModel));
        _blocks = [.. plan.Blocks.Select(block => new DecodeBlock(block, source))];
        _norm = new DecodeNorm(plan.FinalNorm, source);
        _head = plan.Head is null ? _embedding : source.Matrix(new LinearSpec(plan.Head, plan.VocabSize, _dModel));
        _outputStride = _blocks.Max(block => block.OutputStride);
        _identity = $"{config} {source.Fingerprint}";
    }

    /// <summary>From a Hugging Face folder; matrices stored as bf16 stay bf16 in memory.</summary>
    /// <exception cref="UserErrorException">The folder is incomplete or damaged.</exception>
    public static DecoderModel Load(string directory, DecoderConfig config, int? threads = null)
    {
        using var weights = CheckpointWeights.Open(directory, config);
        var elements = config.Tensors().ToDictionary(tensor => tensor.Name, tensor => tensor.Elements, StringComparer.Ordinal);
        return new DecoderModel(config, Read, weights.DtypeOf, threads);

        ReadOnlyMemory<float> Read(string name)
        {
            var values = new float[elements[name]];
            weights.Read(name, values);
            return values;
        }
    }

    public override ModelConfig Config => _config;

    /// <summary>Bytes the weights take in memory.</summary>
    public long WeightBytes => _embedding.Bytes + (_positions?.Bytes ?? 0) + (_head == _embedding ? 0 : _head.Bytes) + _norm.Bytes
        + _blocks.Sum(block => block.WeightBytes);

    /// <summary>An empty state. Where no layer grows with the tokens and no positions are learned it takes in any number of them, whatever
    /// <paramref name="capacity"/>.</summary>
    public override DecodeState NewState(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        var limit = _blocks.Any(block => block.Mixer.Grows) ? capacity : int.MaxValue;
        if (_positions is not null) limit = Math.Min(limit, _positions.Outputs);
        return new DecodeState([.. _blocks.Select(block => block.Mixer.NewState(limit))], limit, _identity);
    }

    public override void Prefill(ReadOnlySpan<int> tokens, DecodeState state, Span<float> logits)
    {
        Check(tokens, state, logits.Length, 1);
        _pass.SequenceLength = state.Length + tokens.Length;
        for (var done = 0; done < tokens.Length; done += MaxRows)
        {
            var rows = tokens.Slice(done, Math.Min(MaxRows, tokens.Length - done));
            Forward(rows, state);
            if (done + rows.Length == tokens.Length) WriteLogits(rows.Length - 1, 1, logits);
        }
    }

    public override void Step(int token, DecodeState state, Span<float> logits) => Prefill([token], state, logits);

    /// <summary>Appends <paramref name="tokens"/>; writes the logits after each of them, (T, VocabSize).</summary>
    public void Logits(ReadOnlySpan<int> tokens, DecodeState state, Span<float> logits)
    {
        Check(tokens, state, logits.Length, tokens.Length);
        _pass.SequenceLength = state.Length + tokens.Length;
        for (var done = 0; done < tokens.Length; done += MaxRows)
        {
            var rows = tokens.Slice(done, Math.Min(MaxRows, tokens.Length - done));
            Forward(rows, state);
            var stride = _config.VocabSize;
            WriteLogits(0, rows.Length, logits.Slice(done * stride, rows.Length * stride));
        }
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
        CheckIds(targets, nameof(targets));
        _pass.SequenceLength = state.Length + tokens.Length;
        for (var done = 0; done < tokens.Length; done += MaxRows)
        {
            var rows = tokens.Slice(done, Math.Min(MaxRows, tokens.Length - done));
            Forward(rows, state);
            Score(rows.Length, targets.Slice(done, rows.Length), logProbs.Slice(done, rows.Length));
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing) return;
        foreach (var block in _blocks) block.Dispose();
        _embedding.Dispose();
        _positions?.Dispose();
        _head.Dispose();
        _norm.Dispose();
        _pass.Dispose();
    }

    /// <summary>Takes in at most <see cref="MaxRows"/> tokens; leaves the last block's output in the stream, (M, D).</summary>
    private void Forward(ReadOnlySpan<int> tokens, DecodeState state)
    {
        int m = tokens.Length, position = state.Length;
        var stream = _pass.Floats(Scratch.Stream, (long)m * _dModel);
        var normed = _pass.Floats(Scratch.Normed, (long)m * _dModel);
        var output = _pass.Floats(Scratch.Output, (long)m * _outputStride);
        for (var i = 0; i < m; i++)
        {
            var row = stream + (long)i * _dModel;
            _embedding.CopyRow(tokens[i], row);                          // (D)
            if (_positions is null) continue;
            _positions.CopyRow(position + i, normed);
            VectorMath.Add(row, normed, _dModel);
        }
        for (var i = 0; i < _blocks.Length; i++) _blocks[i].Forward(stream, m, position, state.Layers[i], normed, output, _pass);
        state.Advance(m);
    }

    /// <summary>Of rows <paramref name="first"/> onwards of the stream, (<paramref name="count"/>, V).</summary>
    private void WriteLogits(int first, int count, Span<float> logits)
    {
        var stream = _pass.Floats(Scratch.Stream, 0);
        var normed = _pass.Floats(Scratch.Normed, (long)count * _dModel);
        for (var i = 0; i < count; i++) _norm.Forward(stream + (long)(first + i) * _dModel, normed + (long)i * _dModel);
        var stride = _head.PaddedOutputs;
        var rowsAtOnce = RowsAtOnce(count);
        var wide = _pass.Floats(Scratch.Logits, (long)rowsAtOnce * stride);
        for (var done = 0; done < count; done += rowsAtOnce)
        {
            var rows = Math.Min(rowsAtOnce, count - done);
            _pass.Multiply(_head, normed + (long)done * _dModel, rows, wide);
            for (var i = 0; i < rows; i++)
            {
                new ReadOnlySpan<float>(wide + (long)i * stride, _config.VocabSize).CopyTo(logits[((done + i) * _config.VocabSize)..]);
            }
        }
    }

    private void Score(int m, ReadOnlySpan<int> targets, Span<float> logProbs)
    {
        var stream = _pass.Floats(Scratch.Stream, 0);
        var normed = _pass.Floats(Scratch.Normed, (long)m * _dModel);
        for (var i = 0; i < m; i++) _norm.Forward(stream + (long)i * _dModel, normed + (long)i * _dModel);
        var stride = _head.PaddedOutputs;
        var rowsAtOnce = RowsAtOnce(m);
        var logits = _pass.Floats(Scratch.Logits, (long)rowsAtOnce * stride);
        var results = new float[rowsAtOnce];
        for (var done = 0; done < m; done += rowsAtOnce)
        {
            var rows = Math.Min(rowsAtOnce, m - done);
            _pass.Multiply(_head, normed + (long)done * _dModel, rows, logits);
            _pass.Run(rows, long.MaxValue, i => results[i] = VectorMath.LogSumExp(logits + (long)i * stride, _config.VocabSize));
            for (var i = 0; i < rows; i++) logProbs[done + i] = logits[(long)i * stride + targets[done + i]] - results[i];
        }
    }

    private int RowsAtOnce(int rows) => Math.Min(rows, (int)Math.Clamp(MaxLogits / _head.PaddedOutputs, 12, MaxRows));

    private void Check(ReadOnlySpan<int> tokens, DecodeState state, int places, int rows)
    {
        if (tokens.IsEmpty) throw new ArgumentException("At least one token is needed.", nameof(tokens));
        if (state.Model != _identity) throw new ArgumentException("The state was made by another model.", nameof(state));
        if (tokens.Length > state.Capacity - state.Length)
        {
            throw new ArgumentException($"{tokens.Length} tokens do not fit: the state holds {state.Length} of {state.Capacity}.",
                nameof(tokens));
        }
        if (places != (long)rows * _config.VocabSize)
        {
            throw new ArgumentException(
                $"There are {places} places for logits; {rows} times the vocabulary's {_config.VocabSize} are needed.", nameof(places));
        }
        CheckIds(tokens, nameof(tokens));
    }

    private void CheckIds(ReadOnlySpan<int> ids, string name)
    {
        foreach (var id in ids)
        {
            if ((uint)id >= (uint)_config.VocabSize)
            {
                throw new ArgumentOutOfRangeException(name, id, $"The vocabulary has {_config.VocabSize} tokens.");
            }
        }
    }
}
