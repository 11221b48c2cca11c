// S source positions, E embedding, D decoder state, M encoder output, G gates
using System.Numerics;
using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference;

/// <summary>Runs a recurrent encoder–decoder on the CPU without any native library; see <see cref="Seq2SeqConfig"/>.</summary>
public sealed unsafe class Seq2SeqModel : EncoderDecoderModel
{
    private readonly Seq2SeqConfig _config;
    private readonly PackedMatrix _sourceTable, _targetTable, _head;
    private readonly List<(Cell Forward, Cell? Reverse)> _encoder = [];
    private readonly List<Cell> _decoder = [];
    private readonly PackedMatrix? _bridge, _key, _query, _vector;
    private readonly float[] _bridgeBias = [], _queryBias = [], _energy = [], _vectorBias = [];
    private readonly string _identity;

    internal Seq2SeqModel(Seq2SeqConfig config, WeightSource weights, int? threads) : base(threads)
    {
        _config = config;
        int d = config.DModel, m = config.DMemory, e = config.DEmbedding;
        _sourceTable = Matrix("src_embed.weight", config.SourceVocabulary, e);
        _targetTable = config.ShareEmbeddings ? _sourceTable : Matrix("trg_embed.weight", config.VocabSize, e);
        for (var i = 0; i < config.Layers; i++)
        {
            var input = i == 0 ? e : m;
            _encoder.Add(
                (
                    Recurrent("encoder", $"l{i}", config.DEncoder, input),
                    config.Bidirectional ? Recurrent("encoder", $"l{i}_reverse", config.DEncoder, input) : null
                )
            );
            _decoder.Add(
                Recurrent(
                    "decoder",
                    $"l{i}",
                    d,
                    i > 0 ? d
                        : config.Feeds ? e + d
                        : e
                )
            );
        }
        if (config.Start == DecoderStart.Bridge)
            (_bridge, _bridgeBias) = (Matrix("decoder.bridge_layer.weight", d, m), Vector("decoder.bridge_layer.bias", d));
        if (config.Attention is AttentionEnergy.Additive or AttentionEnergy.General or AttentionEnergy.Concat)
            _key = Matrix("decoder.attention.key_layer.weight", d, m);
        if (config.Attention is AttentionEnergy.Additive or AttentionEnergy.Concat)
        {
            _query = Matrix("decoder.attention.query_layer.weight", d, d);
            _queryBias = config.Attention == AttentionEnergy.Concat ? Vector("decoder.attention.query_layer.bias", d) : new float[d];
            _energy = Vector("decoder.attention.energy_layer.weight", d);
        }
        if (config.HasAttention)
            (_vector, _vectorBias) = (Matrix("decoder.att_vector_layer.weight", d, d + m), Vector("decoder.att_vector_layer.bias", d));
        _head = config.TieEmbeddings ? _targetTable : Matrix("decoder.output_layer.weight", config.VocabSize, d);
        _identity = $"{config} {weights.Fingerprint}";

        PackedMatrix Matrix(string name, int outputs, int inputs) => weights.Matrix(new LinearSpec(name, outputs, inputs));
        float[] Vector(string name, int size) => weights.Tensor(name, size).ToArray();
        Cell Recurrent(string side, string suffix, int state, int input) =>
            new(
                Matrix($"{side}.rnn.weight_ih_{suffix}", config.Gates * state, input),
                Matrix($"{side}.rnn.weight_hh_{suffix}", config.Gates * state, state),
                Vector($"{side}.rnn.bias_ih_{suffix}", config.Gates * state),
                Vector($"{side}.rnn.bias_hh_{suffix}", config.Gates * state)
            );
    }

    public override ModelConfig Config => _config;

    private bool Lstm => _config.Cell == RecurrentCell.Lstm;

    /// <summary>States, then cells of an LSTM, then the attentional vector where it is fed.</summary>
    private int StateSize => _config.Layers * _config.DModel * (Lstm ? 2 : 1) + (_config.Feeds ? _config.DModel : 0);

    public override DecodeState NewState(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        return new DecodeState([new PairState(StateSize, 0)], capacity, _identity);
    }

    public override void Encode(ReadOnlySpan<int> source, DecodeState state)
    {
        CheckSource(source);
        var (s, m, h) = (source.Length, _config.DMemory, _config.DEncoder);
        var x = new float[s][];
        for (var t = 0; t < s; t++) x[t] = Embed(_sourceTable, source[_config.ReverseSource ? s - 1 - t : t]);
        var start = new float[StateSize];
        var final = new float[m];
        for (var i = 0; i < _encoder.Count; i++)
        {
            var outputs = new float[s][];
            for (var t = 0; t < s; t++) outputs[t] = new float[m];
            var (forward, reverse) = _encoder[i];
            var c = Run(forward, x, outputs, 0, backwards: false);
            if (reverse is not null) Run(reverse, x, outputs, h, backwards: true);
            if (_config.Start == DecoderStart.Copy)
            {
                outputs[^1].AsSpan(0, h).CopyTo(start.AsSpan(i * h));
                if (Lstm) c.CopyTo(start, (_config.Layers + i) * h);
            }
            outputs[^1].AsSpan(0, h).CopyTo(final);
            if (reverse is not null) outputs[0].AsSpan(h, h).CopyTo(final.AsSpan(h));
            x = outputs;
        }
        if (_bridge is not null)
        {
            var bridged = Product(_bridge, final);
            for (var j = 0; j < _config.DModel; j++)
                bridged[j] = MathF.Tanh(bridged[j] + _bridgeBias[j]);
            for (var i = 0; i < _config.Layers * (Lstm ? 2 : 1); i++)
                bridged.AsSpan(0, _config.DModel).CopyTo(start.AsSpan(i * _config.DModel));
        }
        state.Truncate(0);
        StateOf(state).Begin(_config.HasAttention ? Memory(x) : [], s, start);
    }

    private protected override void Step(int token, PairState state, Span<float> logits)
    {
        var (d, layers) = (_config.DModel, _config.Layers);
        var fixedPart = state.Fixed.AsSpan();
        float[] input = Embed(_targetTable, token);
        if (_config.Feeds) input = [.. input, .. fixedPart[^d..]];
        ReadOnlySpan<float> x = input;
        for (var i = 0; i < layers; i++)
        {
            var h = fixedPart.Slice(i * d, d);
            _decoder[i].Step(this, x, h, Lstm ? fixedPart.Slice((layers + i) * d, d) : []);
            x = h;
        }
        var read = _config.HasAttention ? Attend(x, state) : x.ToArray();
        if (_config.Feeds) read.AsSpan(0, d).CopyTo(fixedPart[^d..]);
        Product(_head, read.AsSpan(0, d)).AsSpan(0, _config.VocabSize).CopyTo(logits);
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing)
            return;
        foreach (var cell in _decoder.Concat(_encoder.SelectMany(layer => new[] { layer.Forward, layer.Reverse }.OfType<Cell>())))
            cell.Dispose();
        foreach (var matrix in new[] { _sourceTable, _targetTable, _head, _bridge, _key, _query, _vector })
            matrix?.Dispose();
    }

    /// <summary>tanh(W·[state; context] + b); notes what was looked at.</summary>
    private float[] Attend(ReadOnlySpan<float> h, PairState state)              // (D)
    {
        var (d, m, s) = (_config.DModel, _config.DMemory, state.SourceLength);
        var query = h.ToArray();
        if (_query is not null)
        {
            query = Product(_query, h);
            for (var j = 0; j < d; j++) query[j] += _queryBias[j];
        }
        var weights = new float[s];
        var keys = state.Source.AsSpan(_key is null ? 0 : s * m);
        for (var t = 0; t < s; t++) weights[t] = Energy(query.AsSpan(0, d), keys.Slice(t * d, d));
        var max = weights.Max();
        for (var t = 0; t < s; t++) weights[t] = MathF.Exp(weights[t] - max);
        var total = weights.Sum();
        var joined = new float[d + m];
        h.CopyTo(joined);
        fixed (float* context = &joined[d], memory = state.Source)
        {
            for (var t = 0; t < s; t++) VectorMath.AddScaled(context, memory + t * m, weights[t] /= total, m);
        }
        if (_config.ReverseSource) Array.Reverse(weights);
        state.Attention = weights;
        var vector = Product(_vector!, joined);
        for (var j = 0; j < d; j++) vector[j] = MathF.Tanh(vector[j] + _vectorBias[j]);
        return vector;
    }

    private float Energy(ReadOnlySpan<float> query, ReadOnlySpan<float> key)
    {
        var (sum, i, width) = (Vector<float>.Zero, 0, Vector<float>.Count);
        var energy = _energy.AsSpan();
        for (; i + width <= query.Length; i += width)
        {
            var (q, k) = (new Vector<float>(query[i..]), new Vector<float>(key[i..]));
            if (_energy.Length == 0)
                sum += q * k;
            else
                sum +=
                    new Vector<float>(energy[i..])
                    * (Vector<float>.One - new Vector<float>(2) / (Vector<float>.One + VectorMath.Exp(2 * (q + k))));
        }
        var result = Vector.Sum(sum);
        for (; i < query.Length; i++) result += _energy.Length == 0 ? query[i] * key[i] : energy[i] * MathF.Tanh(query[i] + key[i]);
        return result;
    }

    /// <summary>Encoder outputs (S, M), and after them the keys (S, D) where they are not the same.</summary>
    private float[] Memory(float[][] outputs)
    {
        var (m, d) = (_config.DMemory, _config.DModel);
        var memory = new float[outputs.Length * (m + (_key is null ? 0 : d))];
        for (var t = 0; t < outputs.Length; t++)
        {
            outputs[t].CopyTo(memory, t * m);
            if (_key is not null) Product(_key, outputs[t]).AsSpan(0, d).CopyTo(memory.AsSpan(outputs.Length * m + t * d));
        }
        return memory;
    }

    /// <summary>One direction of an encoder layer, into columns from <paramref name="column"/> on; returns the last cell.</summary>
    private float[] Run(Cell cell, float[][] x, float[][] outputs, int column, bool backwards)
    {
        var h = new float[_config.DEncoder];
        var c = new float[Lstm ? h.Length : 0];
        for (var i = 0; i < x.Length; i++)
        {
            var t = backwards ? x.Length - 1 - i : i;
            cell.Step(this, x[t], h, c);
            h.CopyTo(outputs[t], column);
        }
        return c;
    }

    private float[] Embed(PackedMatrix table, int token)
    {
        var row = new float[_config.DEmbedding];
        fixed (float* to = row) table.CopyRow(token, to);
        if (!_config.ScaleEmbeddings) return row;
        var scale = MathF.Sqrt(row.Length);
        for (var i = 0; i < row.Length; i++) row[i] *= scale;
        return row;
    }

    /// <summary>Gates in torch's order: input, forget, cell, output; or reset, update, new.</summary>
    private sealed record Cell(PackedMatrix Input, PackedMatrix State, float[] InputBias, float[] StateBias) : IDisposable
    {
        public void Step(Seq2SeqModel model, ReadOnlySpan<float> x, Span<float> h, Span<float> c)
        {
            var (below, recurrent, n) = (model.Product(Input, x), model.Product(State, h), h.Length);
            for (var i = 0; i < InputBias.Length; i++)
            {
                below[i] += InputBias[i];
                recurrent[i] += StateBias[i];
            }
            for (var i = 0; i < n; i++)
            {
                if (model.Lstm)
                {
                    float Sum(int gate, int unit) => below[gate * n + unit] + recurrent[gate * n + unit];
                    c[i] = Sigmoid(Sum(1, i)) * c[i] + Sigmoid(Sum(0, i)) * MathF.Tanh(Sum(2, i));
                    h[i] = Sigmoid(Sum(3, i)) * MathF.Tanh(c[i]);
                    continue;
                }
                var (reset, update) = (Sigmoid(below[i] + recurrent[i]), Sigmoid(below[n + i] + recurrent[n + i]));
                var fresh = MathF.Tanh(below[2 * n + i] + reset * recurrent[2 * n + i]);
                h[i] = fresh + update * (h[i] - fresh);
            }
        }

        public void Dispose()
        {
            Input.Dispose();
            State.Dispose();
        }

        private static float Sigmoid(float x) => 1 / (1 + MathF.Exp(-x));
    }
}
