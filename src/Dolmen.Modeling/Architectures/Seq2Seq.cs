// A recurrent encoder–decoder: Sutskever et al. 2014 and Cho et al. 2014 (the final state is all the decoder sees), Bahdanau et al. 2015
// and
// Luong et al. 2015 (attention over the encoder's outputs, input feeding). Steps and names are JoeyNMT's: the decoder moves first and
// looks with its new state, where Bahdanau looks with the old one.
// B batch, S source positions, T target positions, N rows (= T·B), E embedding, D decoder state, M encoder output, G gates, V vocab
using Dolmen.Checkpoints;
using Dolmen.Modeling.Layers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Modeling.Architectures;

public sealed class Seq2Seq : SequencePairModel
{
    private const string OutputLayer = "decoder.output_layer.weight";

    private readonly Seq2SeqConfig _config;
    private readonly LayerMath _math;
    private readonly RnnMath _rnn;

    public Seq2Seq(Seq2SeqConfig config, Compute compute)
    {
        (_config, _math, _rnn) = (config, compute.Math, compute.HasKernels ? new FusedRnnMath() : new PlainRnnMath());
        Parameters = new ParameterStore([.. config.Tensors().Select(Spec)], compute);
    }

    public override ModelConfig Config => _config;

    public override ParameterStore Parameters { get; }

    public override Tensor Logits(PairBatch batch)
    {
        using var scope = NewDisposeScope();
        var x = Decode(batch, Encode(batch, null), null).Outputs;               // (T, B, D)
        return functional.linear(x, Head).to(ScalarType.Float32).transpose(0, 1).contiguous().MoveToOuterDisposeScope();      // (B, T, V)
    }

    public override Tensor Loss(PairBatch batch, double scale, long? dropoutSeed = null)
    {
        using var scope = NewDisposeScope();
        var dropout = DroppedUnits.Of(_config.Dropout, dropoutSeed);
        var x = Decode(batch, Encode(batch, dropout), dropout).Outputs;         // (T, B, D)
        var targets = batch.TargetOutByTime(Device).view(-1);                   // (N)
        return _math.CrossEntropy(x.view(-1, _config.DModel), Head, targets, scale).MoveToOuterDisposeScope();
    }

    /// <summary>Encoder outputs (S, B, M), 0 beyond a source's end, and the last states, (B, M) fp32: of the last layer, both directions
    /// side by side.</summary>
    public (Tensor Outputs, Tensor Final) EncoderOutputs(PairBatch batch)
    {
        using var scope = NewDisposeScope();
        var encoded = Encode(batch, null);
        var seen = encoded.Lengths.Seen(batch.SourceLength).t().unsqueeze(2);   // (S, B, 1)
        return ((encoded.Outputs * seen).MoveToOuterDisposeScope(), encoded.Final.MoveToOuterDisposeScope());
    }

    /// <summary>What every target position looks at while the truth is read, (B, T, S) fp32.</summary>
    public Tensor AttentionWeights(PairBatch batch)
    {
        using var scope = NewDisposeScope();
        var weights = Decode(batch, Encode(batch, null), null).Weights
            ?? throw new InvalidOperationException("This model has no attention: model.attention is none.");
        return weights.transpose(0, 1).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>What the head reads, (B, T, D).</summary>
    public Tensor HeadInputs(PairBatch batch)
    {
        using var scope = NewDisposeScope();
        return Decode(batch, Encode(batch, null), null).Outputs.transpose(0, 1).contiguous().MoveToOuterDisposeScope();
    }

    private Device Device => Parameters.Compute.Device;

    public override void Dispose() => Parameters.Dispose();

    private Tensor Head => Parameters[_config.TieEmbeddings ? TargetTable : OutputLayer];

    private string TargetTable => _config.ShareEmbeddings ? "src_embed.weight" : "trg_embed.weight";

    /// <param name="States">(h, c) of every layer's forward direction after the last step, (B, H) fp32.</param>
    private sealed record Encoded(Tensor Outputs, Tensor Final, IReadOnlyList<(Tensor H, Tensor? C)> States, SequenceLengths Lengths);

    private Encoded Encode(PairBatch batch, DroppedUnits? dropout)
    {
        var (s, b) = (batch.SourceLength, batch.Rows);
        if (s > _config.ContextLength)
            throw new ArgumentException($"{s} source positions, but the model's context is {_config.ContextLength}.", nameof(batch));
        var lengths = new SequenceLengths(batch.SourceLengths, Device);
        var x = Embedded("src_embed.weight", batch.SourceByTime(_config.ReverseSource, Device), dropout);             // (S, B, E)
        Tensor Zero() => zeros(b, _config.DEncoder, device: Device);            // (B, H)
        var zero = (H: Zero(), C: _config.Cell == RecurrentCell.Lstm ? Zero() : null);
        var states = new List<(Tensor, Tensor?)>();
        Tensor? final = null;
        for (var i = 0; i < _config.Layers; i++)
        {
            if (i > 0) x = Dropped(x, dropout);
            var (outputs, h, c) = Layer("encoder", $"l{i}", x, zero, lengths);  // (S, B, H), (B, H)
            states.Add((h, c));
            final = h;
            if (_config.Bidirectional)
            {
                var (reverse, first, _) = Layer("encoder", $"l{i}_reverse", x, zero, lengths, backwards: true);
                (outputs, final) = (cat([outputs, reverse], -1), cat([h, first], -1));                            // (S, B, M), (B, M)
            }
            x = outputs;
        }
        return new Encoded(Dropped(x, dropout), final!, states, lengths);
    }

    private (Tensor Outputs, Tensor? Weights) Decode(PairBatch batch, Encoded encoded, DroppedUnits? dropout)
    {
        var x = Embedded(TargetTable, batch.TargetInByTime(Device), dropout);     // (T, B, E)
        var start = Start(encoded);
        if (!_config.HasAttention)
        {
            for (var i = 0; i < _config.Layers; i++) x = Layer("decoder", $"l{i}", i > 0 ? Dropped(x, dropout) : x, start[i], null).Outputs;
            return (Dropped(x, dropout), null);
        }
        var layers = Enumerable.Range(0, _config.Layers).Select(i => Cell("decoder", $"l{i}")).ToArray();
        var (embedding, feed) = Columns(layers[0].InputWeight); // (G·D, E), (G·D, D)
        var memory = encoded.Outputs.transpose(0, 1).contiguous(); // (B, S, M)
        var keys =
            _config.Attention == AttentionEnergy.Dot ? memory : functional.linear(memory, Parameters["decoder.attention.key_layer.weight"]);
        var below = functional.linear(x, embedding, layers[0].InputBias.to(x.dtype)); // (T, B, G·D)
        var (vectors, weights) = _rnn.AttentiveDecoder(
            below,
            feed,
            layers,
            start,
            Attention(),
            keys,
            memory,
            encoded.Lengths,
            _config.Cell
        );
        return (Dropped(vectors, dropout), weights);
    }

    /// <summary>The states each decoder layer begins with, (B, D) fp32.</summary>
    private (Tensor H, Tensor? C)[] Start(Encoded encoded)
    {
        if (_config.Start == DecoderStart.Copy) return [.. encoded.States];
        var lstm = _config.Cell == RecurrentCell.Lstm;
        var start =
            _config.Start == DecoderStart.Zero
                ? zeros(encoded.Final.shape[0], _config.DModel, device: Device)
                : functional
                    .linear(
                        encoded.Final,
                        Parameters["decoder.bridge_layer.weight"].to(ScalarType.Float32),
                        Parameters["decoder.bridge_layer.bias"]
                    )
                    .tanh();
        return [.. Enumerable.Range(0, _config.Layers).Select(_ => (start, lstm ? start : null))];
    }

    private (Tensor Outputs, Tensor H, Tensor? C) Layer(
        string side, string suffix, Tensor x, (Tensor H, Tensor? C) start, SequenceLengths? lengths, bool backwards = false)
    {
        var cell = Cell(side, suffix);
        var below = functional.linear(x, cell.InputWeight, cell.InputBias.to(x.dtype));                           // (T, B, G·H)
        return _rnn.Layer(below, cell, start, lengths, _config.Cell, backwards);
    }

    private RnnWeights Cell(string side, string suffix) => new(
        Parameters[$"{side}.rnn.weight_ih_{suffix}"], Parameters[$"{side}.rnn.weight_hh_{suffix}"],
        Parameters[$"{side}.rnn.bias_ih_{suffix}"], Parameters[$"{side}.rnn.bias_hh_{suffix}"]);

    private AttentionWeights Attention() =>
        new(
            _config.Attention is AttentionEnergy.Additive or AttentionEnergy.Concat
                ? Parameters["decoder.attention.query_layer.weight"]
                : null,
            _config.Attention == AttentionEnergy.Concat ? Parameters["decoder.attention.query_layer.bias"] : null,
            _config.Attention is AttentionEnergy.Additive or AttentionEnergy.Concat
                ? Parameters["decoder.attention.energy_layer.weight"]
                : null,
            Parameters["decoder.att_vector_layer.weight"],
            Parameters["decoder.att_vector_layer.bias"]
        );

    /// <summary>The first layer's input weight: what meets the embedding, and what meets the attentional vector.</summary>
    private (Tensor Embedding, Tensor? Feed) Columns(Tensor weight) => _config.Feeds
        ? (weight.narrow(1, 0, _config.DEmbedding), weight.narrow(1, _config.DEmbedding, _config.DModel).contiguous())
        : (weight, null);

    private Tensor Embedded(string table, Tensor tokens, DroppedUnits? dropout)     // (T, B) int64
    {
        var x = Parameters[table].index_select(0, tokens.view(-1)).view(tokens.shape[0], tokens.shape[1], -1);    // (T, B, E)
        return Dropped(_config.ScaleEmbeddings ? x * Math.Sqrt(_config.DEmbedding) : x, dropout);
    }

    private static Tensor Dropped(Tensor x, DroppedUnits? dropout) => dropout?.Apply(x) ?? x;

    /// <summary>Matrices start uniform within 1/√inputs, as torch's layers do; tables normal with deviation 1, as torch's, 1/√E where they
    /// are scaled, 0.1 where the head is tied to one without, which keeps its first logits small. An LSTM begins by remembering: its forget
    /// gates' bias is 1 (Jozefowicz et al.
    /// 2015).</summary>
    private ParameterSpec Spec(TensorShape tensor)
    {
        if (tensor.Shape.Length == 1)
        {
            var forgets = _config.Cell == RecurrentCell.Lstm && tensor.Name.Contains("rnn.bias_ih", StringComparison.Ordinal);
            return new(tensor.Name, tensor.Shape, ParameterGroup.Vector, forgets ? ForgetBias : Initializers.Constant(0));
        }
        var isTable = tensor.Name.Contains("embed", StringComparison.Ordinal);
        var isHead = tensor.Name == OutputLayer;
        var isCell = tensor.Name.Contains(".rnn.", StringComparison.Ordinal);
        return new(
            tensor.Name,
            tensor.Shape,
            isTable ? ParameterGroup.Embedding : isHead ? ParameterGroup.Head : ParameterGroup.Matrix,
            isTable ? Initializers.Normal(TableDeviation) : Initializers.Uniform(1 / Math.Sqrt(tensor.Shape[1])),
            isCell ? [.. Enumerable.Repeat(tensor.Shape[0] / _config.Gates, _config.Gates)] : null
        );
    }

    private double TableDeviation => _config.ScaleEmbeddings ? 1 / Math.Sqrt(_config.DEmbedding) : _config.TieEmbeddings ? 0.1 : 1;

    /// <summary>1 in the second of four quarters.</summary>
    private static void ForgetBias(Span<float> weights, ref Artifacts.StableRandom random)
    {
        weights.Clear();
        weights.Slice(weights.Length / 4, weights.Length / 4).Fill(1);
    }
}
