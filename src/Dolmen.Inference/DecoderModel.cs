using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference;

// D model, V vocab

/// <summary>Runs any decoder-only language model on the CPU without any native library, built from its <see cref="DecoderPlan"/>. How a
/// prompt was cut does not show in the results, with one exception: where rotary positions are scaled by the sequence's length (dynamic,
/// LongRoPE), tokens turn as in a sequence that ends with their slice, or where the slice says that their prompt does, and keys in the
/// cache stay as they were turned.</summary>
public sealed unsafe class DecoderModel : LanguageModel
{
    /// <summary>Logits held at once while scoring.</summary>
    private const long MaxLogits = 1 << 21;

    private readonly DecoderConfig _config;
    private readonly DecoderBody _body;
    private readonly WeightMatrix _head;

    /// <param name="weights">Gives a tensor of <see cref="ModelConfig.Tensors"/> by name, row-major; asked for each once.</param>
    /// <param name="dtype">How matrices are stored. <see cref="TensorDtype.BFloat16"/> rounds them, unless they were bf16
    /// before.</param>
    /// <param name="threads">All cores when left out.</param>
    /// <param name="precision">How matrices are kept in memory.</param>
    /// <param name="kept">How keys and values are kept in memory.</param>
    public DecoderModel(DecoderConfig config, Func<string, ReadOnlyMemory<float>> weights, TensorDtype dtype = TensorDtype.Float32,
        int? threads = null, WeightPrecision precision = WeightPrecision.Stored, KvPrecision kept = KvPrecision.Automatic)
        : this(config, new WeightSource(weights, _ => dtype, precision) { Kept = kept }, threads) { }

    private DecoderModel(DecoderConfig config, WeightSource source, int? threads)
    {
        if (config.Plan().Head is not LanguageHeadSpec head)
            throw new ArgumentException("The model scores or classifies texts: it has no logits of tokens.", nameof(config));
        _config = config;
        _body = new DecoderBody(config, source, threads);
        _head = head.Weight is null ? _body.Embedding
            : source.Matrix(new LinearSpec(head.Weight, head.VocabSize, head.DModel), MatrixRole.Table);
        _body.Complete();
    }

    /// <summary>From a Hugging Face folder.</summary>
    /// <exception cref="UserErrorException">The folder is incomplete or damaged.</exception>
    public static DecoderModel Load(string directory, DecoderConfig config, int? threads = null,
        WeightPrecision precision = WeightPrecision.Stored, KvPrecision kept = KvPrecision.Automatic)
    {
        using var weights = CheckpointWeights.Open(directory, config);
        return new DecoderModel(config, new WeightSource(weights.Reader(config), weights.DtypeOf, precision) { Kept = kept }, threads);
    }

    /// <summary>From a GGUF file, whose tensors are read one at a time.</summary>
    /// <exception cref="UserErrorException">The file is damaged.</exception>
    public static DecoderModel Load(GgufModel file, int? threads = null, WeightPrecision precision = WeightPrecision.Stored,
        KvPrecision kept = KvPrecision.Automatic) => file.Config is DecoderConfig config
            ? new DecoderModel(config, new WeightSource(new GgufWeights(file), precision) { Kept = kept }, threads)
            : throw new UserErrorException($"'{file.File.Path}' holds a {file.Config.GetType().Name}, which this engine cannot run yet.");

    public override ModelConfig Config => _config;

    public override long WeightBytes => _body.WeightBytes + (_head == _body.Embedding ? 0 : _head.Bytes);

    /// <summary>An empty state. Where no layer grows with the tokens and no positions are learned it takes in any number of them, whatever
    /// <paramref name="capacity"/>.</summary>
    public override DecodeState NewState(int capacity) => _body.NewState(capacity);

    public override int Threads => _body.Pass.Threads;

    public override bool DependsOnLength => _body.DependsOnLength;

    public override int HiddenSize => _body.DModel;

    public override long StateBytes => _body.StateBytes;

    public override long StateBytesOf(int tokens) => _body.StateBytesOf(tokens);

    public override void Forward(params ReadOnlySpan<SequenceSlice> batch)
    {
        SequenceSlice.Check(batch, _body.Identity, _config.VocabSize, _body.DModel);
        var slices = batch.ToArray();
        _body.Forward(batch, rows => Write(slices, rows));
    }

    public override void Reload(Func<string, ReadOnlyMemory<float>> weights) => _body.Reload(weights);

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing) return;
        _head.Dispose();
        _body.Dispose();
    }

    /// <summary>What the batch asks for of the rows of a pass. The head's weights are read once for all of them.</summary>
    private void Write(SequenceSlice[] batch, PassRows rows)
    {
        var (wanted, hidden) = (new List<int>(), false);
        foreach (var piece in rows.Pieces)
        {
            var slice = batch[piece.Slice];
            var first = slice.Tokens.Length - Math.Max(slice.Logits.Length / _config.VocabSize, slice.LogProbs.Length) - piece.Done;
            for (var i = Math.Max(0, first); i < piece.Count; i++) wanted.Add(piece.Row + i);
            hidden |= !slice.HiddenStates.IsEmpty;
        }
        if (hidden) WriteHiddenStates(batch, rows);
        if (wanted.Count == 0) return;
        var normed = _body.LastHidden(wanted);                           // (wanted, D)
        var stride = _head.PaddedOutputs;
        var rowsAtOnce = (int)Math.Min(wanted.Count, Math.Clamp(MaxLogits / stride, 12, DecoderBody.MaxRows));
        var logits = _body.Pass.Floats(Scratch.Logits, (long)rowsAtOnce * stride);
        for (var done = 0; done < wanted.Count; done += rowsAtOnce)
        {
            var count = Math.Min(rowsAtOnce, wanted.Count - done);
            _body.Pass.Multiply(_head, normed + (long)done * _body.DModel, count, logits);       // (count, V)
            _body.Pass.Run(count, (long)count * _config.VocabSize, i =>
            {
                var piece = rows.PieceOf(wanted[done + i]);
                Write(batch[piece.Slice], piece.Done + wanted[done + i] - piece.Row, logits + (long)i * stride);
            });
        }
    }

    /// <summary>What a slice asks for after its token number <paramref name="at"/>.</summary>
    private void Write(SequenceSlice slice, int at, float* logits)
    {
        var all = new ReadOnlySpan<float>(logits, _config.VocabSize);
        var fromEnd = slice.Tokens.Length - at;
        var row = slice.Logits.Length / all.Length - fromEnd;
        if (row >= 0) all.CopyTo(slice.Logits.Span[(row * all.Length)..]);
        var target = slice.LogProbs.Length - fromEnd;
        if (target >= 0) slice.LogProbs.Span[target] = all[slice.Targets.Span[target]] - Probabilities.LogSumExp(all);
    }

    private void WriteHiddenStates(SequenceSlice[] batch, PassRows rows)
    {
        var d = _body.DModel;
        foreach (var piece in rows.Pieces)
        {
            var places = batch[piece.Slice].HiddenStates;
            var skipped = Math.Max(0, batch[piece.Slice].Tokens.Length - places.Length / d - piece.Done);
            if (skipped >= piece.Count) continue;
            var wanted = Enumerable.Range(piece.Row + skipped, piece.Count - skipped).ToList();
            var first = piece.Done + skipped - (batch[piece.Slice].Tokens.Length - places.Length / d);
            new ReadOnlySpan<float>(_body.LastHidden(wanted), wanted.Count * d).CopyTo(places.Span[(first * d)..]);
        }
    }
}
