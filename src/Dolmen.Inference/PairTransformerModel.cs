// S source positions, M rows of a pass, D model, H heads, E head dim, F feed-forward
using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference;

/// <summary>Runs an encoder–decoder Transformer on the CPU without any native library; see <see cref="EncoderDecoderConfig"/>.</summary>
internal sealed unsafe class PairTransformerModel : EncoderDecoderModel
{
    private readonly EncoderDecoderConfig _config;
    private readonly WeightMatrix _table;
    private readonly Layer[] _encoder, _decoder;
    private readonly DecodeNorm _encoderNorm, _decoderNorm;
    private readonly RotaryTable.Rows? _angles;

    internal PairTransformerModel(EncoderDecoderConfig config, WeightSource weights, int? threads) : base(weights, threads)
    {
        _config = config;
        _table = weights.Matrix(new LinearSpec("embed_tokens.weight", config.VocabSize, config.DModel));
        _encoder =
        [
            .. Enumerable.Range(0, config.EncoderLayers).Select(i => new Layer(config, weights, $"encoder.layers.{i}.", crosses: false)),
        ];
        _encoderNorm = Layer.Norm(config, weights, "encoder.norm");
        _decoder =
        [
            .. Enumerable.Range(0, config.DecoderLayers).Select(i => new Layer(config, weights, $"decoder.layers.{i}.", crosses: true)),
        ];
        _decoderNorm = Layer.Norm(config, weights, "decoder.norm");
        if (config.Positions == PairPositions.Rotary)
        {
            var rotary = weights.Rotary(new RotaryPosition(config.RopeTheta), config.HeadDim);
            _angles = rotary.Prepare(0, config.ContextLength, config.ContextLength);
        }
    }

    public override ModelConfig Config => _config;

    public override DecodeState NewState(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        return new DecodeState(
            [new PairState(0, 2 * _config.DecoderLayers * _config.DModel)],
            Math.Min(capacity, _config.ContextLength),
            Identity
        );
    }

    public override void Encode(ReadOnlySpan<int> source, DecodeState state)
    {
        CheckSource(source);
        var (s, d) = (source.Length, _config.DModel);
        int[] positions = [.. Enumerable.Range(0, s)];
        var x = Embed(source.ToArray(), positions);                             // (S, D)
        foreach (var layer in _encoder)
        {
            var (qkv, stride) = (Project(layer, x, positions), layer.Qkv.PaddedOutputs);
            var read = new float[s * d];                                        // (S, D)
            Pass.Run(s, (long)s * s * d, t =>
                Look(qkv.AsSpan(t * stride, d), new Memory(qkv, s, stride, d), read.AsSpan(t * d, d), null));
            Add(x, Product(layer.Output, read, s), s);
            FeedForward(layer, x, s);
        }
        // Keys and values of every decoder layer, position by position, (S, L, 2, D).
        var all = _decoder.Length * 2 * d;
        var memory = new float[s * all];
        var normed = Normed(_encoderNorm, x, s);
        for (var i = 0; i < _decoder.Length; i++)
        {
            var matrix = _decoder[i].CrossKeysValues!;
            var keysValues = Product(matrix, normed, s);                        // (S, 2D)
            for (var t = 0; t < s; t++)
                keysValues.AsSpan(t * matrix.PaddedOutputs, 2 * d).CopyTo(memory.AsSpan(t * all + i * 2 * d));
        }
        state.Truncate(0);
        StateOf(state).Begin(memory, s, []);
    }

    private protected override (float[] Logits, int Stride) Step(int[] tokens, PairState[] states)
    {
        var (m, d, stride) = (tokens.Length, _config.DModel, _decoder.Length * 2 * _config.DModel);
        int[] positions = [.. states.Select(state => state.Tokens)];
        var x = Embed(tokens, positions);                                       // (M, D)
        var caches = Array.ConvertAll(states, state => state.Append());         // (T, L, 2, D) each
        var weights = Array.ConvertAll(states, state => new float[state.SourceLength]);
        var read = new float[m * d];
        for (var i = 0; i < _decoder.Length; i++)
        {
            var (layer, at, last) = (_decoder[i], i * 2 * d, i == _decoder.Length - 1);
            var (qkv, qkvStride) = (Project(layer, x, positions), layer.Qkv.PaddedOutputs);
            Pass.Run(m, (long)positions.Sum() * d, row =>
            {
                qkv.AsSpan(row * qkvStride + d, 2 * d).CopyTo(caches[row].AsSpan(positions[row] * stride + at));
                var memory = new Memory(caches[row], positions[row] + 1, stride, at);
                Look(qkv.AsSpan(row * qkvStride, d), memory, read.AsSpan(row * d, d), null);
            });
            Add(x, Product(layer.Output, read, m), m);
            var queries = Product(layer.CrossQuery!, Normed(layer.CrossNorm!, x, m), m);         // (M, D)
            Pass.Run(m, (long)states.Sum(state => state.SourceLength) * d, row =>
            {
                var memory = new Memory(states[row].Source, states[row].SourceLength, stride, at);
                Look(
                    queries.AsSpan(row * layer.CrossQuery!.PaddedOutputs, d), memory, read.AsSpan(row * d, d), last ? weights[row] : null);
            });
            Add(x, Product(layer.CrossOutput!, read, m), m);
            FeedForward(layer, x, m);
        }
        for (var row = 0; row < m; row++) states[row].Attention = weights[row];
        return (Product(_table, Normed(_decoderNorm, x, m), m), _table.PaddedOutputs);
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing) return;
        foreach (var layer in _encoder.Concat(_decoder)) layer.Dispose();
        _table.Dispose();
        _encoderNorm.Dispose();
        _decoderNorm.Dispose();
    }

    private float[] Embed(int[] tokens, int[] positions)
    {
        var d = _config.DModel;
        var x = new float[tokens.Length * d];                                   // (M, D)
        var scale = MathF.Sqrt(d);
        for (var row = 0; row < tokens.Length; row++)
        {
            var to = x.AsSpan(row * d, d);
            fixed (float* at = to) _table.CopyRow(tokens[row], at);
            for (var i = 0; i < d; i++) to[i] *= scale;
            for (var i = 0; i < d / 2 && _angles is null; i++)
            {
                var (sin, cos) = Math.SinCos(positions[row] * Math.Pow(10000, -2.0 * i / d));
                to[i] += (float)sin;
                to[d / 2 + i] += (float)cos;
            }
        }
        return x;
    }

    /// <summary>Queries, keys and values of self-attention, (M, 3D) and padding; queries and keys turned.</summary>
    private float[] Project(Layer layer, float[] x, int[] positions)
    {
        var m = positions.Length;
        var qkv = Product(layer.Qkv, Normed(layer.SelfNorm, x, m), m);
        if (_angles is null) return qkv;
        fixed (float* at = qkv)
        {
            for (var row = 0; row < m; row++)
            {
                var heads = at + (long)row * layer.Qkv.PaddedOutputs;
                for (var h = 0; h < 2 * _config.Heads; h++) _angles.Apply(heads + h * _config.HeadDim, positions[row], 1);
            }
        }
        return qkv;
    }

    /// <summary>Keys and values that are looked at: <paramref name="Length"/> times a key and after it a value, (2, D), every
    /// <paramref name="Stride"/> floats from <paramref name="Start"/> on.</summary>
    private readonly record struct Memory(float[] Values, int Length, int Stride, int Start);

    /// <summary>softmax(q·k/√E)·v of every head, (D).</summary>
    /// <param name="mean">Gets the weights, averaged over the heads.</param>
    private void Look(ReadOnlySpan<float> query, Memory memory, Span<float> y, float[]? mean)
    {
        var (d, e, length) = (_config.DModel, _config.HeadDim, memory.Length);
        var weights = new float[length];
        y.Clear();
        fixed (float* q = query, keys = memory.Values, to = y)
        {
            for (var h = 0; h < _config.Heads; h++)
            {
                var from = keys + memory.Start + h * e;
                var max = float.NegativeInfinity;
                for (var t = 0; t < length; t++)
                {
                    var key = new ReadOnlySpan<float>(from + (long)t * memory.Stride, e);
                    weights[t] = Dot(new ReadOnlySpan<float>(q + h * e, e), key) / MathF.Sqrt(e);
                    max = Math.Max(max, weights[t]);
                }
                var total = 0f;
                for (var t = 0; t < length; t++) total += weights[t] = MathF.Exp(weights[t] - max);
                for (var t = 0; t < length; t++)
                {
                    var weight = weights[t] / total;
                    VectorMath.AddScaled(to + h * e, from + (long)t * memory.Stride + d, weight, e);
                    if (mean is not null) mean[t] += weight / _config.Heads;
                }
            }
        }
    }

    private static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var (sum, i, width) = (System.Numerics.Vector<float>.Zero, 0, System.Numerics.Vector<float>.Count);
        for (; i + width <= a.Length; i += width)
            sum += new System.Numerics.Vector<float>(a[i..]) * new System.Numerics.Vector<float>(b[i..]);
        var result = System.Numerics.Vector.Sum(sum);
        for (; i < a.Length; i++) result += a[i] * b[i];
        return result;
    }

    private void FeedForward(Layer layer, float[] x, int m)
    {
        var (f, stride) = (_config.DFeedForward, layer.GateUp.PaddedOutputs);
        var gateUp = Product(layer.GateUp, Normed(layer.MlpNorm, x, m), m);     // (M, 2F)
        var gated = new float[m * f];                                           // (M, F)
        fixed (float* from = gateUp, to = gated)
        {
            for (var row = 0; row < m; row++) VectorMath.SwiGlu(from + row * stride, from + row * stride + f, to + row * f, f);
        }
        Add(x, Product(layer.Down, gated, m), m);
    }

    private static float[] Normed(DecodeNorm norm, float[] x, int m)
    {
        var y = new float[x.Length];                                            // (M, D)
        fixed (float* from = x, to = y)
        {
            for (var row = 0; row < m; row++) norm.Forward(from + row * norm.Size, to + row * norm.Size);
        }
        return y;
    }

    /// <summary>x += y, whose rows may have padding after them.</summary>
    private static void Add(float[] x, float[] y, int m)
    {
        fixed (float* to = x, from = y)
        {
            for (var row = 0; row < m; row++) VectorMath.Add(to + row * (x.Length / m), from + row * (y.Length / m), x.Length / m);
        }
    }

    private sealed class Layer : IDisposable
    {
        public Layer(EncoderDecoderConfig config, WeightSource weights, string name, bool crosses)
        {
            var (d, f) = (config.DModel, config.DFeedForward);
            WeightMatrix Matrix(string part, int outputs, int inputs) => weights.Matrix(new LinearSpec(name + part, outputs, inputs));
            SelfNorm = Norm(config, weights, name + "self_attn_norm");
            Qkv = Matrix("self_attn.qkv_proj.weight", 3 * d, d);
            Output = Matrix("self_attn.o_proj.weight", d, d);
            if (crosses)
            {
                CrossNorm = Norm(config, weights, name + "cross_attn_norm");
                CrossQuery = Matrix("cross_attn.q_proj.weight", d, d);
                CrossKeysValues = Matrix("cross_attn.kv_proj.weight", 2 * d, d);
                CrossOutput = Matrix("cross_attn.o_proj.weight", d, d);
            }
            MlpNorm = Norm(config, weights, name + "mlp_norm");
            GateUp = Matrix("mlp.gate_up_proj.weight", 2 * f, d);
            Down = Matrix("mlp.down_proj.weight", d, f);
        }

        public DecodeNorm SelfNorm { get; }
        public WeightMatrix Qkv { get; }
        public WeightMatrix Output { get; }
        public DecodeNorm? CrossNorm { get; }
        public WeightMatrix? CrossQuery { get; }
        public WeightMatrix? CrossKeysValues { get; }
        public WeightMatrix? CrossOutput { get; }
        public DecodeNorm MlpNorm { get; }
        public WeightMatrix GateUp { get; }
        public WeightMatrix Down { get; }

        public static DecodeNorm Norm(EncoderDecoderConfig config, WeightSource weights, string name) => new(
            new NormSpec(name + ".weight", config.DModel, config.NormEps, config.Norm == NormKind.Layer ? name + ".bias" : null), weights);

        public void Dispose()
        {
            foreach (
                var part in new IDisposable?[]
                {
                    SelfNorm,
                    Qkv,
                    Output,
                    CrossNorm,
                    CrossQuery,
                    CrossKeysValues,
                    CrossOutput,
                    MlpNorm,
                    GateUp,
                    Down,
                }
            )
                part?.Dispose();
        }
    }
}
