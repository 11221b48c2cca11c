// An encoder–decoder Transformer: Vaswani et al. 2017, with norms before each part (Xiong et al. 2020), SwiGLU (Shazeer 2020) and, if
// asked, rotary positions in self-attention (Su et al. 2021). Across, positions are not turned: source and target count apart.
// B batch, S source positions, T target positions, D model, H heads, E head dim, F feed-forward, V vocab
using Dolmen.Checkpoints;
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Layers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Modeling.Architectures;

public sealed class EncoderDecoder : SequencePairModel
{
    private const string Table = "embed_tokens.weight";

    private readonly EncoderDecoderConfig _config;
    private readonly LayerMath _math;
    private readonly bool _fused;
    private readonly Tensor _positions;

    public EncoderDecoder(EncoderDecoderConfig config, Compute compute)
    {
        (_config, _math, _fused) = (config, compute.Math, compute.HasKernels);
        Parameters = new ParameterStore([.. config.Tensors().Select(Spec)], compute);
        _positions = Positions(config).to(compute.Device).DetachFromDisposeScope();
    }

    public override ModelConfig Config => _config;

    public override ParameterStore Parameters { get; }

    public override Tensor Logits(PairBatch batch)
    {
        using var scope = NewDisposeScope();
        return functional.linear(Hidden(batch, null), Parameters[Table]).to(ScalarType.Float32).MoveToOuterDisposeScope();    // (B, T, V)
    }

    public override Tensor Loss(PairBatch batch, double scale, long? dropoutSeed = null)
    {
        using var scope = NewDisposeScope();
        var dropout = DroppedUnits.Of(_config.Dropout, dropoutSeed);
        var x = Hidden(batch, dropout).view(-1, _config.DModel);            // (B·T, D)
        return _math.CrossEntropy(x, Parameters[Table], batch.TargetOut(Device).view(-1), scale).MoveToOuterDisposeScope();
    }

    private Device Device => Parameters.Compute.Device;

    public override void Dispose()
    {
        Parameters.Dispose();
        _positions.Dispose();
    }

    /// <summary>What the head reads, (B, T, D).</summary>
    private Tensor Hidden(PairBatch batch, DroppedUnits? dropout)
    {
        using var scope = NewDisposeScope();
        if (Math.Max(batch.SourceLength, batch.TargetLength) > _config.ContextLength)
        {
            throw new ArgumentException(
                $"{batch.SourceLength} source and {batch.TargetLength} target positions, but the model's context is "
                    + $"{_config.ContextLength}.",
                nameof(batch)
            );
        }
        var lengths = new SequenceLengths(batch.SourceLengths, Device);
        var memory = Embedded(batch.Source(Device), dropout); // (B, S, D)
        for (var i = 0; i < _config.EncoderLayers; i++)
            memory = FeedForward($"encoder.layers.{i}.", SelfAttention($"encoder.layers.{i}.", memory, lengths, dropout), dropout);
        memory = Normed("encoder.norm", memory); // (B, S, D)
        var x = Embedded(batch.TargetIn(Device), dropout); // (B, T, D)
        for (var i = 0; i < _config.DecoderLayers; i++)
        {
            var layer = $"decoder.layers.{i}.";
            x = SelfAttention(layer, x, null, dropout);
            x = CrossAttention(layer, x, memory, lengths, dropout);
            x = FeedForward(layer, x, dropout);
        }
        return Normed("decoder.norm", x).MoveToOuterDisposeScope();
    }

    private Tensor Embedded(Tensor tokens, DroppedUnits? dropout)                   // (B, T) int64
    {
        var (b, t) = (tokens.shape[0], tokens.shape[1]);
        var x = Parameters[Table].index_select(0, tokens.reshape(-1)).view(b, t, -1) * Math.Sqrt(_config.DModel);             // (B, T, D)
        if (_config.Positions == PairPositions.Sinusoidal) x = x + _positions.narrow(0, 0, t).to(x.dtype);
        return Dropped(x, dropout);
    }

    /// <param name="lengths">Null in the decoder, which sees the target so far.</param>
    private Tensor SelfAttention(string layer, Tensor x, SequenceLengths? lengths, DroppedUnits? dropout)        // (B, T, D)
    {
        var qkv = functional.linear(Normed(layer + "self_attn_norm", x), Parameters[layer + "self_attn.qkv_proj.weight"]); // (B, T, 3D)
        var (q, k, v) = Heads(qkv); // 3 × (B, H, T, E)
        return x
            + Dropped(
                functional.linear(PairAttention.Run(q, k, v, lengths, _fused), Parameters[layer + "self_attn.o_proj.weight"]),
                dropout
            );
    }

    private Tensor CrossAttention(string layer, Tensor x, Tensor memory, SequenceLengths lengths, DroppedUnits? dropout)
    {
        var q = functional.linear(Normed(layer + "cross_attn_norm", x), Parameters[layer + "cross_attn.q_proj.weight"]);      // (B, T, D)
        // 2 × (B, S, D)
        var kv = functional.linear(memory, Parameters[layer + "cross_attn.kv_proj.weight"]).chunk(2, -1);
        var attended = PairAttention.Run(Split(q), Split(kv[0]), Split(kv[1]), lengths, _fused);                              // (B, T, D)
        return x + Dropped(functional.linear(attended, Parameters[layer + "cross_attn.o_proj.weight"]), dropout);
    }

    private Tensor FeedForward(string layer, Tensor x, DroppedUnits? dropout)
    {
        // (B, T, F)
        var gated = _math.SwiGlu(functional.linear(Normed(layer + "mlp_norm", x), Parameters[layer + "mlp.gate_up_proj.weight"]));
        return x + Dropped(functional.linear(gated, Parameters[layer + "mlp.down_proj.weight"]), dropout);
    }

    private Tensor Normed(string name, Tensor x) =>
        _config.Norm == NormKind.Rms
            ? _math.RmsNorm(x, Parameters[name + ".weight"], _config.NormEps)
            : functional.layer_norm(
                x,
                [_config.DModel],
                Parameters[name + ".weight"].to(x.dtype),
                Parameters[name + ".bias"].to(x.dtype),
                _config.NormEps
            );

    private (Tensor Q, Tensor K, Tensor V) Heads(Tensor qkv)
    {
        if (_config.Positions == PairPositions.Sinusoidal)
        {
            var plain = qkv.chunk(3, -1);
            return (Split(plain[0]), Split(plain[1]), Split(plain[2]));
        }
        var layout = new HeadLayout((int)qkv.shape[0], (int)qkv.shape[1], _config.Heads, _config.Heads, _config.HeadDim);
        if (_fused)
        {
            var parts = RotaryFunction.apply(qkv, _positions, layout, false);
            return (parts[0], parts[1], parts[2]);
        }
        var chunks = qkv.chunk(3, -1);
        return (Turned(Split(chunks[0])), Turned(Split(chunks[1])), Split(chunks[2]));
    }

    // (B, H, T, E)
    private Tensor Split(Tensor x) => x.view(x.shape[0], x.shape[1], _config.Heads, _config.HeadDim).transpose(1, 2);

    /// <summary>(a, b) → (a·cos − b·sin, b·cos + a·sin), halves of a head.</summary>
    private Tensor Turned(Tensor x)                                             // (B, H, T, E)
    {
        var angles = _positions.narrow(0, 0, x.shape[2]).to(x.dtype);           // (T, 2, E/2)
        var (cos, sin, halves) = (angles.select(1, 0), angles.select(1, 1), x.chunk(2, -1));
        return cat([halves[0] * cos - halves[1] * sin, halves[1] * cos + halves[0] * sin], -1);
    }

    private static Tensor Dropped(Tensor x, DroppedUnits? dropout) => dropout?.Apply(x) ?? x;

    /// <summary>Rotary: cosines and sines (T, 2, E/2), angle t·θ^(−2i/E). Sinusoidal: (T, D), sines then cosines of
    /// t·10000^(−2i/D).</summary>
    private static Tensor Positions(EncoderDecoderConfig config)
    {
        var rotary = config.Positions == PairPositions.Rotary;
        var half = (rotary ? config.HeadDim : config.DModel) / 2;
        var values = new float[config.ContextLength * 2 * half];
        for (var t = 0; t < config.ContextLength; t++)
        {
            for (var i = 0; i < half; i++)
            {
                var angle = t * Math.Pow(rotary ? config.RopeTheta : 10000, -(double)i / half);
                values[t * 2 * half + i] = (float)(rotary ? Math.Cos(angle) : Math.Sin(angle));
                values[t * 2 * half + half + i] = (float)(rotary ? Math.Sin(angle) : Math.Cos(angle));
            }
        }
        return rotary ? tensor(values, [config.ContextLength, 2, half]) : tensor(values, [config.ContextLength, 2 * half]);
    }

    /// <summary>Matrices 1/√inputs, back into the stream smaller by √(2·layers) (GPT-2); the table 1/√D, so that √D times it is of
    /// deviation 1 and the tied head's first logits are too.</summary>
    private ParameterSpec Spec(TensorShape tensor)
    {
        if (tensor.Shape.Length == 1)
        {
            var isBias = tensor.Name.EndsWith(".bias", StringComparison.Ordinal);
            return new(tensor.Name, tensor.Shape, ParameterGroup.Vector, Initializers.Constant(isBias ? 0 : 1));
        }
        var residual =
            tensor.Name.Contains("o_proj", StringComparison.Ordinal) || tensor.Name.Contains("down_proj", StringComparison.Ordinal);
        var layers = tensor.Name.StartsWith("encoder", StringComparison.Ordinal) ? _config.EncoderLayers : _config.DecoderLayers;
        return new(
            tensor.Name,
            tensor.Shape,
            tensor.Name == Table ? ParameterGroup.Embedding : ParameterGroup.Matrix,
            Initializers.Normal(1 / Math.Sqrt(tensor.Shape[1]) / (residual ? Math.Sqrt(2.0 * layers) : 1)),
            Stacked(tensor)
        );
    }

    /// <summary>Rows of each matrix in a tensor of several: queries, keys and values; keys and values; a gate and what it gates.</summary>
    private static long[]? Stacked(TensorShape tensor)
    {
        var count =
            tensor.Name.EndsWith("qkv_proj.weight", StringComparison.Ordinal) ? 3
            : tensor.Name.EndsWith("kv_proj.weight", StringComparison.Ordinal) ? 2
            : tensor.Name.EndsWith("gate_up_proj.weight", StringComparison.Ordinal) ? 2
            : 1;
        return count == 1 ? null : [.. Enumerable.Repeat(tensor.Shape[0] / count, count)];
    }
}
