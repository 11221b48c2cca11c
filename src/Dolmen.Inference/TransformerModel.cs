using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;

namespace Dolmen.Inference;

// M tokens of one pass, D model, H heads, K kv-heads, E head dim, F feed-forward, V vocab

/// <summary>Runs a Llama-layout decoder on the CPU without any native library. Results do not depend on the number of threads, nor on how
/// a prompt was cut into calls.</summary>
public sealed unsafe class TransformerModel : LanguageModel
{
    /// <summary>Longer inputs go through in passes of this many tokens: a whole number of register tiles, small enough for the
    /// cache.</summary>
    private const int MaxRows = 288;

    /// <summary>Logits held at once while scoring.</summary>
    private const long MaxLogits = 1 << 21;

    private readonly TransformerConfig _config;
    private readonly Layer[] _layers;
    private readonly PackedMatrix _embedding;
    private readonly PackedMatrix _head;
    private readonly float* _norm;
    private readonly NativeBuffer _norms;
    private readonly RotaryTable _rotary;
    private readonly int _threads;
    private readonly float _eps;
    private Workspace _work;
    private NativeBuffer _packing = NativeBuffer.OfFloats(0);
    private NativeBuffer _scores = NativeBuffer.OfFloats(0);
    private NativeBuffer _logits;

    /// <param name="weights">Gives a tensor of <see cref="ModelConfig.Tensors"/> by name, row-major; asked for each once.</param>
    /// <param name="dtype">How matrices are kept in memory. <see cref="TensorDtype.BFloat16"/> rounds them, unless they were bf16
    /// before.</param>
    /// <param name="threads">All cores when left out.</param>
    public TransformerModel(TransformerConfig config, Func<string, ReadOnlyMemory<float>> weights, TensorDtype dtype = TensorDtype.Float32,
        int? threads = null)
    {
        if (config.Problems() is { Count: > 0 } problems) throw new ArgumentException(string.Join(" ", problems), nameof(config));
        _config = config;
        _eps = (float)config.NormEps;
        _threads = Math.Clamp(threads ?? ThreadTeam.Shared.Threads, 1, ThreadTeam.Shared.Threads);
        int d = config.DModel, q = config.Heads * config.HeadDim, kv = config.KvHeads * config.HeadDim, f = config.DFeedForward;
        _rotary = new RotaryTable(config.HeadDim, config.RopeTheta);
        _norms = NativeBuffer.OfFloats((2L * config.Layers + 1) * d);
        _embedding = Matrix(d, (config.VocabSize, "model.embed_tokens.weight"));
        _layers = new Layer[config.Layers];
        for (var i = 0; i < _layers.Length; i++)
        {
            var prefix = $"model.layers.{i}.";
            _layers[i] = new Layer(
                Norm(2 * i, prefix + "input_layernorm.weight"),
                Matrix(d, (q, prefix + "self_attn.q_proj.weight"), (kv, prefix + "self_attn.k_proj.weight"),
                    (kv, prefix + "self_attn.v_proj.weight")),
                Matrix(q, (d, prefix + "self_attn.o_proj.weight")),
                Norm(2 * i + 1, prefix + "post_attention_layernorm.weight"),
                Matrix(d, (f, prefix + "mlp.gate_proj.weight"), (f, prefix + "mlp.up_proj.weight")),
                Matrix(f, (d, prefix + "mlp.down_proj.weight")));
        }
        _norm = (float*)Norm(2 * _layers.Length, "model.norm.weight");
        _head = config.TieEmbeddings ? _embedding : Matrix(d, (config.VocabSize, "lm_head.weight"));
        _work = new Workspace(1, config, _layers[0]);
        _logits = NativeBuffer.OfFloats(_head.PaddedOutputs);

        PackedMatrix Matrix(int inputs, params ReadOnlySpan<(int Outputs, string Name)> parts)
        {
            var outputs = 0;
            foreach (var part in parts) outputs += part.Outputs;
            var matrix = new PackedMatrix(outputs, inputs, dtype);
            var first = 0;
            foreach (var part in parts)
            {
                matrix.SetRows(first, Tensor(part.Name, (long)part.Outputs * inputs).Span);
                first += part.Outputs;
            }
            return matrix;
        }

        nint Norm(int index, string name)
        {
            var at = _norms.Floats + (long)index * d;
            Tensor(name, d).Span.CopyTo(new Span<float>(at, d));
            return (nint)at;
        }

        ReadOnlyMemory<float> Tensor(string name, long elements)
        {
            var tensor = weights(name);
            return tensor.Length == elements ? tensor
                : throw new ArgumentException($"Tensor '{name}' has {tensor.Length} values; the model needs {elements}.", nameof(weights));
        }
    }

    /// <summary>From a Hugging Face folder; weights stored as bf16 stay bf16 in memory.</summary>
    /// <exception cref="Artifacts.UserErrorException">The folder is incomplete or damaged.</exception>
    public static TransformerModel Load(string directory, TransformerConfig config, int? threads = null)
    {
        using var weights = CheckpointWeights.Open(directory, config);
        var elements = config.Tensors().ToDictionary(tensor => tensor.Name, tensor => tensor.Elements, StringComparer.Ordinal);
        var allBFloat16 = config.Tensors().Where(tensor => tensor.Shape.Length == 2)
            .All(tensor => weights.DtypeOf(tensor.Name) == TensorDtype.BFloat16);
        return new TransformerModel(config, Read, allBFloat16 ? TensorDtype.BFloat16 : TensorDtype.Float32, threads);

        ReadOnlyMemory<float> Read(string name)
        {
            var values = new float[elements[name]];
            weights.Read(name, values);
            return values;
        }
    }

    public override ModelConfig Config => _config;

    /// <summary>Bytes the weights take in memory.</summary>
    public long WeightBytes =>
        _norms.Bytes + _embedding.Bytes + (_head == _embedding ? 0 : _head.Bytes)
            + _layers.Sum(layer => layer.Matrices.Sum(matrix => matrix.Bytes));

    public override DecodeState NewState(int capacity)
    {
        var state = new KvCache(_config, capacity);
        _rotary.Grow(capacity);
        return state;
    }

    public override void Prefill(ReadOnlySpan<int> tokens, DecodeState state, Span<float> logits)
    {
        Check(tokens, state, logits);
        for (var done = 0; done < tokens.Length; done += MaxRows)
        {
            var rows = tokens.Slice(done, Math.Min(MaxRows, tokens.Length - done));
            Forward(rows, (KvCache)state);
            if (done + rows.Length == tokens.Length) WriteLogits(rows.Length - 1, logits);
        }
    }

    public override void Step(int token, DecodeState state, Span<float> logits) => Prefill([token], state, logits);

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
        Check(tokens, state, null);
        CheckIds(targets, nameof(targets));
        for (var done = 0; done < tokens.Length; done += MaxRows)
        {
            var rows = tokens.Slice(done, Math.Min(MaxRows, tokens.Length - done));
            Forward(rows, (KvCache)state);
            Score(rows.Length, targets.Slice(done, rows.Length), logProbs.Slice(done, rows.Length));
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing) return;
        foreach (var layer in _layers) foreach (var matrix in layer.Matrices) matrix.Dispose();
        _embedding.Dispose();
        _head.Dispose();
        _norms.Dispose();
        _work.Dispose();
        _packing.Dispose();
        _scores.Dispose();
        _logits.Dispose();
    }

    /// <summary>Takes in at most <see cref="MaxRows"/> tokens; leaves the last block's output in the workspace, (M, D).</summary>
    private void Forward(ReadOnlySpan<int> tokens, KvCache cache)
    {
        var m = tokens.Length;
        if (_work.Rows < m)
        {
            _work.Dispose();
            _work = new Workspace(m == 1 ? 1 : MaxRows, _config, _layers[0]);
        }
        var work = _work;
        var d = _config.DModel;
        for (var i = 0; i < m; i++) _embedding.CopyRow(tokens[i], work.X + (long)i * d);
        for (var i = 0; i < _layers.Length; i++)
        {
            var layer = _layers[i];
            Normalize((float*)layer.InputNorm, m);
            layer.Qkv.Multiply(work.Normed, m, work.Wide, ref _packing, _threads);       // (M, (H + 2K)·E)
            Attend(i, m, layer.Qkv.PaddedOutputs, cache);                                // (M, H·E)
            layer.Output.Multiply(work.Narrow, m, work.Wide, ref _packing, _threads);    // (M, D)
            AddResidual(m, layer.Output.PaddedOutputs);
            Normalize((float*)layer.PostAttentionNorm, m);
            layer.GateUp.Multiply(work.Normed, m, work.Wide, ref _packing, _threads);    // (M, 2F)
            Gate(m, layer.GateUp.PaddedOutputs);                                         // (M, F)
            layer.Down.Multiply(work.Narrow, m, work.Wide, ref _packing, _threads);      // (M, D)
            AddResidual(m, layer.Down.PaddedOutputs);
        }
        cache.Length += m;
    }

    private void Normalize(float* weight, int m)
    {
        var d = _config.DModel;
        for (var i = 0; i < m; i++) VectorMath.RmsNorm(_work.X + (long)i * d, weight, _work.Normed + (long)i * d, d, _eps);
    }

    private void AddResidual(int m, int stride)
    {
        var d = _config.DModel;
        for (var i = 0; i < m; i++) VectorMath.Add(_work.X + (long)i * d, _work.Wide + (long)i * stride, d);
    }

    private void Gate(int m, int stride)
    {
        var f = _config.DFeedForward;
        var work = _work;
        void Row(int i) => VectorMath.SwiGlu(work.Wide + (long)i * stride, work.Wide + (long)i * stride + f, work.Narrow + (long)i * f, f);
        if (m == 1) Row(0);
        else ThreadTeam.Shared.Run(m, (long)m * f < 1 << 14 ? 1 : _threads, Row);
    }

    /// <summary>Rotates, appends to the cache and attends; heads of a token one after the other, tokens shared out.</summary>
    private void Attend(int layer, int m, int stride, KvCache cache)
    {
        int e = _config.HeadDim, heads = _config.Heads, kvHeads = _config.KvHeads, start = cache.Length;
        var work = _work;
        var scale = 1f / MathF.Sqrt(e);
        for (var i = 0; i < m; i++)
        {
            var row = work.Wide + (long)i * stride;
            for (var h = 0; h < heads; h++) _rotary.Apply(row + h * e, start + i, scale);
            for (var h = 0; h < kvHeads; h++)
            {
                var key = row + (heads + h) * e;
                _rotary.Apply(key, start + i, 1);
                cache.Put(layer, h, start + i, key, key + kvHeads * e);
            }
        }
        // One query a chunk while decoding, several tokens a chunk in prefill: each chunk has its own scratch for scores.
        var queries = m * heads;
        var worth = (long)queries * (start + m) * e >= 1 << 16;
        var chunks = worth && _threads > 1 ? Math.Min(queries, 8 * _threads) : 1;
        var scoreLength = cache.PaddedCapacity;
        if (_scores.Bytes < (long)chunks * scoreLength * sizeof(float))
        {
            _scores.Dispose();
            _scores = NativeBuffer.OfFloats((long)chunks * scoreLength);
        }
        var scores = _scores.Floats;
        void Chunk(int chunk)
        {
            var last = (int)((long)queries * (chunk + 1) / chunks);
            for (var query = (int)((long)queries * chunk / chunks); query < last; query++)
            {
                var (i, h) = Math.DivRem(query, heads);
                var kvHead = h / (heads / kvHeads);
                Attention.Query(
                    work.Wide + (long)i * stride + h * e, cache.Keys(layer, kvHead), cache.Values(layer, kvHead), start + i + 1, e,
                        cache.ValueStride,
                    scores + (long)chunk * scoreLength, work.Narrow + ((long)i * heads + h) * e);
            }
        }
        if (chunks == 1) Chunk(0);
        else ThreadTeam.Shared.Run(chunks, _threads, Chunk);
    }

    private void WriteLogits(int row, Span<float> logits)
    {
        var d = _config.DModel;
        VectorMath.RmsNorm(_work.X + (long)row * d, _norm, _work.Normed, d, _eps);
        _head.MultiplyRow(_work.Normed, _logits.Floats, _threads);
        new ReadOnlySpan<float>(_logits.Floats, _config.VocabSize).CopyTo(logits);
    }

    private void Score(int m, ReadOnlySpan<int> targets, Span<float> logProbs)
    {
        Normalize(_norm, m);
        var stride = _head.PaddedOutputs;
        var rowsAtOnce = (int)Math.Clamp(MaxLogits / stride, 12, MaxRows);
        if (_logits.Bytes < (long)Math.Min(rowsAtOnce, m) * stride * sizeof(float))
        {
            _logits.Dispose();
            _logits = NativeBuffer.OfFloats((long)rowsAtOnce * stride);
        }
        var logits = _logits.Floats;
        var results = new float[Math.Min(rowsAtOnce, m)];
        for (var done = 0; done < m; done += rowsAtOnce)
        {
            var rows = Math.Min(rowsAtOnce, m - done);
            _head.Multiply(_work.Normed + (long)done * _config.DModel, rows, logits, ref _packing, _threads);
            ThreadTeam.Shared.Run(rows, _threads, i => results[i] = VectorMath.LogSumExp(logits + (long)i * stride, _config.VocabSize));
            for (var i = 0; i < rows; i++) logProbs[done + i] = logits[(long)i * stride + targets[done + i]] - results[i];
        }
    }

    private void Check(ReadOnlySpan<int> tokens, DecodeState state, ReadOnlySpan<float> logits)
    {
        if (tokens.IsEmpty) throw new ArgumentException("At least one token is needed.", nameof(tokens));
        if (state is not KvCache) throw new ArgumentException("The state was made by another kind of model.", nameof(state));
        if (tokens.Length > state.Capacity - state.Length)
        {
            throw new ArgumentException($"{tokens.Length} tokens do not fit: the state holds {state.Length} of {state.Capacity}.",
                nameof(tokens));
        }
        if (!logits.IsEmpty && logits.Length != _config.VocabSize)
        {
            throw new ArgumentException($"logits has {logits.Length} places; the vocabulary has {_config.VocabSize}.", nameof(logits));
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

    /// <summary>Norm weights are addresses within one buffer of the model.</summary>
    private sealed record Layer(nint InputNorm, PackedMatrix Qkv, PackedMatrix Output, nint PostAttentionNorm, PackedMatrix GateUp,
        PackedMatrix Down)
    {
        public PackedMatrix[] Matrices => [Qkv, Output, GateUp, Down];
    }

    /// <summary>What a pass needs besides weights and cache, for up to <paramref name="rows"/> tokens.</summary>
    private sealed class Workspace(int rows, TransformerConfig config, Layer layer) : IDisposable
    {
        private readonly NativeBuffer _x = NativeBuffer.OfFloats((long)rows * config.DModel);
        private readonly NativeBuffer _normed = NativeBuffer.OfFloats((long)rows * config.DModel);
        private readonly NativeBuffer _wide = NativeBuffer.OfFloats((long)rows * layer.Matrices.Max(matrix => matrix.PaddedOutputs));
        private readonly NativeBuffer _narrow =
            NativeBuffer.OfFloats((long)rows * Math.Max(config.Heads * config.HeadDim, config.DFeedForward));

        public int Rows => rows;

        /// <summary>The residual stream, (M, D).</summary>
        public float* X => _x.Floats;

        public float* Normed => _normed.Floats;

        /// <summary>What a product gives.</summary>
        public float* Wide => _wide.Floats;

        /// <summary>What goes into the output and the down projection.</summary>
        public float* Narrow => _narrow.Floats;

        public void Dispose()
        {
            _x.Dispose();
            _normed.Dispose();
            _wide.Dispose();
            _narrow.Dispose();
        }
    }
}
