// S source positions, D model, H heads, E head dim, F feed-forward
using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference;

/// <summary>Runs an encoder–decoder Transformer on the CPU without any native library; see <see cref="EncoderDecoderConfig"/>.</summary>
public sealed unsafe class PairTransformerModel : EncoderDecoderModel
{
    private readonly EncoderDecoderConfig _config;
    private readonly PackedMatrix _table;
    private readonly Layer[] _encoder, _decoder;
    private readonly DecodeNorm _encoderNorm, _decoderNorm;
    private readonly RotaryTable? _rotary;
    private readonly string _identity;

    internal PairTransformerModel(EncoderDecoderConfig config, WeightSource weights, int? threads) : base(threads)
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
            _rotary = weights.Rotary(new RotaryPosition(config.RopeTheta), config.HeadDim);
            _rotary.Grow(config.ContextLength);
        }
        _identity = $"{config} {weights.Fingerprint}";
    }

    public override ModelConfig Config => _config;

    public override DecodeState NewState(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        return new DecodeState(
            [new PairState(0, 2 * _config.DecoderLayers * _config.DModel)],
            Math.Min(capacity, _config.ContextLength),
            _identity
        );
    }

    public override void Encode(ReadOnlySpan<int> source, DecodeState state)
    {
        CheckSource(source);
        var (s, d) = (source.Length, _config.DModel);
        var x = new float[s][];
        for (var t = 0; t < s; t++) x[t] = Embed(source[t], t);
        foreach (var layer in _encoder)
        {
            var (queries, keysValues) = (new float[s][], new float[s * 2 * d]);
            for (var t = 0; t < s; t++) queries[t] = Project(layer, x[t], t, keysValues.AsSpan(t * 2 * d, 2 * d));
            for (var t = 0; t < s; t++)
            {
                Add(x[t], Product(layer.Output, Look(queries[t], keysValues, s, 2 * d, 0, null)));
                FeedForward(layer, x[t]);
            }
        }
        // Keys and values of every decoder layer, position by position, (S, L, 2, D).
        var stride = _decoder.Length * 2 * d;
        var memory = new float[s * stride];
        for (var t = 0; t < s; t++)
        {
            var normed = Normed(_encoderNorm, x[t]);
            for (var i = 0; i < _decoder.Length; i++)
                Product(_decoder[i].CrossKeysValues!, normed).AsSpan(0, 2 * d).CopyTo(memory.AsSpan(t * stride + i * 2 * d));
        }
        state.Truncate(0);
        StateOf(state).Begin(memory, s, []);
    }

    private protected override void Step(int token, PairState state, Span<float> logits)
    {
        var (d, stride) = (_config.DModel, _decoder.Length * 2 * _config.DModel);
        var x = Embed(token, state.Tokens);
        var cache = state.Append();                                             // (T, L, 2, D)
        var weights = new float[state.SourceLength];
        for (var i = 0; i < _decoder.Length; i++)
        {
            var layer = _decoder[i];
            var query = Project(layer, x, state.Tokens - 1, cache.Slice((state.Tokens - 1) * stride + i * 2 * d, 2 * d));
            Add(x, Product(layer.Output, Look(query, cache, state.Tokens, stride, i * 2 * d, null)));
            var across = Product(layer.CrossQuery!, Normed(layer.CrossNorm!, x));
            Add(
                x,
                Product(
                    layer.CrossOutput!,
                    Look(across, state.Source, state.SourceLength, stride, i * 2 * d, i == _decoder.Length - 1 ? weights : null)
                )
            );
            FeedForward(layer, x);
        }
        state.Attention = weights;
        Product(_table, Normed(_decoderNorm, x)).AsSpan(0, _config.VocabSize).CopyTo(logits);
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

    private float[] Embed(int token, int position)
    {
        var d = _config.DModel;
        var x = new float[d];
        fixed (float* to = x) _table.CopyRow(token, to);
        var scale = MathF.Sqrt(d);
        for (var i = 0; i < d; i++) x[i] *= scale;
        if (_rotary is not null) return x;
        for (var i = 0; i < d / 2; i++)
        {
            var (sin, cos) = Math.SinCos(position * Math.Pow(10000, -2.0 * i / d));
            x[i] += (float)sin;
            x[d / 2 + i] += (float)cos;
        }
        return x;
    }

    /// <summary>Self-attention's query of a token, (D), turned; key and value go where they are kept, (2, D).</summary>
    private float[] Project(Layer layer, float[] x, int position, Span<float> keyValue)
    {
        var (d, e) = (_config.DModel, _config.HeadDim);
        var qkv = Product(layer.Qkv, Normed(layer.SelfNorm, x));
        if (_rotary is not null)
        {
            fixed (float* at = qkv)
            {
                for (var h = 0; h < 2 * _config.Heads; h++) _rotary.Apply(at + h * e, position, 1);
            }
        }
        qkv.AsSpan(d, 2 * d).CopyTo(keyValue);
        return qkv;
    }

    /// <summary>softmax(q·k/√E)·v of every head, (D).</summary>
    /// <param name="memory">A key and after it a value, (2, D), every <paramref name="stride"/> floats from <paramref name="start"/>
    /// on.</param>
    /// <param name="mean">Gets the weights, averaged over the heads.</param>
    private float[] Look(float[] query, ReadOnlySpan<float> memory, int length, int stride, int start, float[]? mean)
    {
        var (d, e) = (_config.DModel, _config.HeadDim);
        var (y, weights) = (new float[d], new float[length]);
        fixed (float* q = query, keys = memory, to = y)
        {
            for (var h = 0; h < _config.Heads; h++)
            {
                var max = float.NegativeInfinity;
                for (var t = 0; t < length; t++)
                {
                    var key = new ReadOnlySpan<float>(keys + (long)t * stride + start + h * e, e);
                    weights[t] = Dot(new ReadOnlySpan<float>(q + h * e, e), key) / MathF.Sqrt(e);
                    max = Math.Max(max, weights[t]);
                }
                var total = 0f;
                for (var t = 0; t < length; t++) total += weights[t] = MathF.Exp(weights[t] - max);
                for (var t = 0; t < length; t++)
                {
                    var weight = weights[t] / total;
                    VectorMath.AddScaled(to + h * e, keys + (long)t * stride + start + d + h * e, weight, e);
                    if (mean is not null) mean[t] += weight / _config.Heads;
                }
            }
        }
        return y;
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

    private void FeedForward(Layer layer, float[] x)
    {
        var f = _config.DFeedForward;
        var gateUp = Product(layer.GateUp, Normed(layer.MlpNorm, x));           // (2F)
        var gated = new float[f];
        fixed (float* from = gateUp, to = gated) VectorMath.SwiGlu(from, from + f, to, f);
        Add(x, Product(layer.Down, gated));
    }

    private static float[] Normed(DecodeNorm norm, float[] x)
    {
        var y = new float[x.Length];
        fixed (float* from = x, to = y) norm.Forward(from, to);
        return y;
    }

    private static void Add(float[] x, float[] y)
    {
        fixed (float* to = x, from = y) VectorMath.Add(to, from, x.Length);
    }

    private sealed class Layer : IDisposable
    {
        public Layer(EncoderDecoderConfig config, WeightSource weights, string name, bool crosses)
        {
            var (d, f) = (config.DModel, config.DFeedForward);
            PackedMatrix Matrix(string part, int outputs, int inputs) => weights.Matrix(new LinearSpec(name + part, outputs, inputs));
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
        public PackedMatrix Qkv { get; }
        public PackedMatrix Output { get; }
        public DecodeNorm? CrossNorm { get; }
        public PackedMatrix? CrossQuery { get; }
        public PackedMatrix? CrossKeysValues { get; }
        public PackedMatrix? CrossOutput { get; }
        public DecodeNorm MlpNorm { get; }
        public PackedMatrix GateUp { get; }
        public PackedMatrix Down { get; }

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
