// S source positions, B rows of a pass, E embedding, D decoder state, M encoder output, G gates
using System.Numerics;
using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference;

/// <summary>Runs a recurrent encoder–decoder on the CPU without any native library; see <see cref="Seq2SeqConfig"/>.</summary>
internal sealed unsafe class Seq2SeqModel : EncoderDecoderModel
{
    private readonly Seq2SeqConfig _config;
    private readonly WeightMatrix _sourceTable, _targetTable, _head;
    private readonly List<(RecurrentGates Forward, RecurrentGates? Reverse)> _encoder = [];
    private readonly List<RecurrentGates> _decoder = [];
    private readonly WeightMatrix? _bridge, _key, _query, _vector;
    private readonly float[] _bridgeBias = [], _queryBias = [], _energy = [], _vectorBias = [];

    internal Seq2SeqModel(Seq2SeqConfig config, WeightSource weights, int? threads) : base(weights, threads)
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

        WeightMatrix Matrix(string name, int outputs, int inputs) => weights.Matrix(new LinearSpec(name, outputs, inputs));
        float[] Vector(string name, int size) => weights.Array(name, size);
        RecurrentGates Recurrent(string side, string suffix, int state, int input) =>
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
        return new DecodeState([new PairState(StateSize, 0)], capacity, Identity);
    }

    public override void Encode(ReadOnlySpan<int> source, DecodeState state)
    {
        CheckSource(source);
        var (s, m, h) = (source.Length, _config.DMemory, _config.DEncoder);
        int[] read = [.. source];
        if (_config.ReverseSource) Array.Reverse(read);
        var x = Embed(_sourceTable, read);                                      // (S, E)
        var start = new float[StateSize];
        var final = new float[m];
        for (var i = 0; i < _encoder.Count; i++)
        {
            var outputs = new float[s * m];                                     // (S, M)
            var (forward, reverse) = _encoder[i];
            var c = Run(forward, x, s, outputs, 0, backwards: false);
            if (reverse is not null) Run(reverse, x, s, outputs, h, backwards: true);
            if (_config.Start == DecoderStart.Copy)
            {
                outputs.AsSpan((s - 1) * m, h).CopyTo(start.AsSpan(i * h));
                if (Lstm) c.CopyTo(start, (_config.Layers + i) * h);
            }
            outputs.AsSpan((s - 1) * m, h).CopyTo(final);
            if (reverse is not null) outputs.AsSpan(h, h).CopyTo(final.AsSpan(h));
            x = outputs;
        }
        if (_bridge is not null)
        {
            var bridged = Product(_bridge, final, 1);
            for (var j = 0; j < _config.DModel; j++)
                bridged[j] = MathF.Tanh(bridged[j] + _bridgeBias[j]);
            for (var i = 0; i < _config.Layers * (Lstm ? 2 : 1); i++)
                bridged.AsSpan(0, _config.DModel).CopyTo(start.AsSpan(i * _config.DModel));
        }
        state.Truncate(0);
        StateOf(state).Begin(_config.HasAttention ? Memory(x, s) : [], s, start);
    }

    private protected override (float[] Logits, int Stride) Step(int[] tokens, PairState[] states)
    {
        var (m, d, e, layers) = (tokens.Length, _config.DModel, _config.DEmbedding, _config.Layers);
        var x = Embed(_targetTable, tokens);                                    // (B, E)
        if (_config.Feeds)
            x = Joined(x, e, [.. states.SelectMany(state => state.Fixed[^d..])], d, m);                 // (B, E + D)
        for (var i = 0; i < layers; i++)
        {
            var cell = _decoder[i];
            var h = new float[m * d];                                           // (B, D)
            for (var row = 0; row < m; row++) states[row].Fixed.AsSpan(i * d, d).CopyTo(h.AsSpan(row * d));
            var (below, recurrent) = (Product(cell.Input, x, m), Product(cell.State, h, m));            // (B, G·D)
            for (var row = 0; row < m; row++)
            {
                var own = states[row].Fixed.AsSpan();
                cell.Step(
                    below.AsSpan(row * cell.Input.PaddedOutputs), recurrent.AsSpan(row * cell.State.PaddedOutputs), own.Slice(i * d, d),
                    Lstm ? own.Slice((layers + i) * d, d) : []);
                own.Slice(i * d, d).CopyTo(h.AsSpan(row * d));
            }
            x = h;
        }
        var read = _config.HasAttention ? Attend(x, states) : x;                // (B, D)
        if (_config.Feeds)
        {
            for (var row = 0; row < m; row++) read.AsSpan(row * d, d).CopyTo(states[row].Fixed.AsSpan()[^d..]);
        }
        return (Product(_head, read, m), _head.PaddedOutputs);
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing)
            return;
        foreach (var cell in _decoder.Concat(_encoder.SelectMany(layer => new[] { layer.Forward, layer.Reverse }.OfType<RecurrentGates>())))
            cell.Dispose();
        foreach (var matrix in new[] { _sourceTable, _targetTable, _head, _bridge, _key, _query, _vector })
            matrix?.Dispose();
    }

    /// <summary>tanh(W·[state; context] + b) of each state; notes what was looked at.</summary>
    private float[] Attend(float[] h, PairState[] states)                       // (B, D)
    {
        var (b, d, m) = (states.Length, _config.DModel, _config.DMemory);
        var contexts = new float[b * m];                                        // (B, M)
        var (queries, stride) = _query is null ? (h, d) : (Product(_query, h, b), _query.PaddedOutputs);
        for (var row = 0; row < b; row++)
        {
            var query = queries.AsSpan(row * stride, d);
            for (var j = 0; j < d && _query is not null; j++) query[j] += _queryBias[j];
            Look(query, states[row], contexts.AsSpan(row * m, m));
        }
        var (wide, wideStride) = (Product(_vector!, Joined(h, d, contexts, m, b), b), _vector!.PaddedOutputs);
        var vectors = new float[b * d];
        for (var row = 0; row < b; row++)
        {
            for (var j = 0; j < d; j++) vectors[row * d + j] = MathF.Tanh(wide[row * wideStride + j] + _vectorBias[j]);
        }
        return vectors;
    }

    /// <summary>Adds up what the query finds in a source, weighted.</summary>
    private void Look(ReadOnlySpan<float> query, PairState state, Span<float> context)
    {
        var (d, m, s) = (_config.DModel, _config.DMemory, state.SourceLength);
        var weights = new float[s];
        var keys = state.Source.AsSpan(_key is null ? 0 : s * m);
        for (var t = 0; t < s; t++) weights[t] = Energy(query, keys.Slice(t * d, d));
        var max = weights.Max();
        for (var t = 0; t < s; t++) weights[t] = MathF.Exp(weights[t] - max);
        var total = weights.Sum();
        fixed (float* to = context, memory = state.Source)
        {
            for (var t = 0; t < s; t++) VectorMath.AddScaled(to, memory + t * m, weights[t] /= total, m);
        }
        if (_config.ReverseSource) Array.Reverse(weights);
        state.Attention = weights;
    }

    /// <summary>Rows of one array with the rows of another after them, (B, a + b).</summary>
    private static float[] Joined(float[] left, int leftWidth, float[] right, int rightWidth, int rows)
    {
        var joined = new float[rows * (leftWidth + rightWidth)];
        for (var row = 0; row < rows; row++)
        {
            var to = joined.AsSpan(row * (leftWidth + rightWidth));
            left.AsSpan(row * leftWidth, leftWidth).CopyTo(to);
            right.AsSpan(row * rightWidth, rightWidth).CopyTo(to[leftWidth..]);
        }
        return joined;
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
    private float[] Memory(float[] outputs, int s)
    {
        if (_key is null) return outputs;
        var d = _config.DModel;
        var memory = new float[outputs.Length + s * d];
        outputs.CopyTo(memory, 0);
        var keys = Product(_key, outputs, s);
        for (var t = 0; t < s; t++) keys.AsSpan(t * _key.PaddedOutputs, d).CopyTo(memory.AsSpan(outputs.Length + t * d));
        return memory;
    }

    /// <summary>One direction of an encoder layer, into columns from <paramref name="column"/> on; returns the last cell.</summary>
    private float[] Run(RecurrentGates cell, float[] x, int s, float[] outputs, int column, bool backwards)
    {
        var h = new float[_config.DEncoder];
        var c = new float[Lstm ? h.Length : 0];
        var below = Product(cell.Input, x, s);                                  // (S, G·H)
        for (var i = 0; i < s; i++)
        {
            var t = backwards ? s - 1 - i : i;
            cell.Step(below.AsSpan(t * cell.Input.PaddedOutputs), Product(cell.State, h, 1), h, c);
            h.CopyTo(outputs, t * _config.DMemory + column);
        }
        return c;
    }

    private float[] Embed(WeightMatrix table, int[] tokens)
    {
        var e = _config.DEmbedding;
        var rows = new float[tokens.Length * e];
        fixed (float* to = rows)
        {
            for (var row = 0; row < tokens.Length; row++) table.CopyRow(tokens[row], to + row * e);
        }
        if (!_config.ScaleEmbeddings) return rows;
        var scale = MathF.Sqrt(e);
        for (var i = 0; i < rows.Length; i++) rows[i] *= scale;
        return rows;
    }
}
