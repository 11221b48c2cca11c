// A decoder of any plan: embedding, blocks of a mixer and a feed-forward in a residual stream, norm. What a head makes of it is in
// LanguageDecoder, ScalarDecoder and ClassDecoder.
// B batch, T sequence, N rows (= B·T), D model
using Dolmen.Checkpoints;
using Dolmen.Modeling.Layers;
using Dolmen.Modeling.Mixers;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Modeling.Architectures;

/// <summary>What decoders share whatever their head: everything up to the last hidden states.</summary>
public abstract class Decoder : TrainableModel
{
    private readonly DecoderConfig _config;
    private readonly DecoderPlan _plan;
    private readonly WeightLayout _layout = new();
    private readonly List<Block> _blocks = [];
    private readonly MixtureConfig? _mixture;
    private List<Routing> _routings = [];

    /// <param name="head">How the head's tensor begins, where it has one.</param>
    private protected Decoder(DecoderConfig config, Compute compute, Initializer head)
    {
        (_config, _plan, LayerMath) = (config, config.Plan(), compute.Math);
        _mixture = _plan.Blocks.Select(block => block.FeedForward).OfType<MixtureSpec>().FirstOrDefault()?.Sizes;
        var parts = _plan.Blocks.Count + _plan.Blocks.Count(block => block.FeedForward is not null);
        var residual = Initializers.Residual(parts);
        _layout.Add(_plan.Embedding, [_plan.VocabSize, _plan.DModel], ParameterGroup.Embedding, Initializers.Hidden);
        if (_plan.Positions is { } positions)
            _layout.Add(positions.Name, positions.Shape, ParameterGroup.Embedding, Initializers.Hidden);
        // From zero, so that a table says nothing before it was learned from.
        foreach (var table in _plan.Ngrams ?? [])
            _layout.Add(table.Weight, table.Tensor.Shape, ParameterGroup.Table, Initializers.Constant(0));
        foreach (var continuation in _plan.Continuations ?? [])
            _layout.Add(continuation.Weight, continuation.Tensor.Shape, ParameterGroup.Vector, Initializers.Constant(0));
        foreach (var spec in _plan.Blocks)
        {
            _layout.Add(spec.MixerNorm);
            var mixer = SequenceMixer.Build(spec.Mixer, LayerMath, config.ContextLength);
            mixer.Declare(_layout, residual);
            var feedForward = spec.FeedForward is null ? null : FeedForward.Build(spec.FeedForward, LayerMath);
            if (spec.FeedForwardNorm is not null) _layout.Add(spec.FeedForwardNorm);
            feedForward?.Declare(_layout, residual);
            _blocks.Add(new Block(spec, mixer, feedForward));
        }
        _layout.Add(_plan.FinalNorm);
        foreach (var tensor in _plan.Head.Tensors()) _layout.Add(tensor.Name, tensor.Shape, ParameterGroup.Head, head);
        Parameters = new ParameterStore(_layout.Specs, compute);
    }

    public override DecoderConfig Config => _config;

    public override ParameterStore Parameters { get; }

    private protected DecoderPlan Plan => _plan;

    /// <summary>Whether rows can be computed in any division: the routers' losses are of all rows together.</summary>
    private protected bool CanDivideRows => _mixture is null && Parameters.Compute.HasKernels;

    private protected LayerMath LayerMath { get; }

    /// <summary>What a head reads, (B, T, D) fp32: the last of <see cref="HiddenStates"/>. tokens (B, T) int64.</summary>
    /// <param name="segments">The texts of packed rows, each read as if it were alone; null takes every row as one text.</param>
    public Tensor LastHiddenStates(Tensor tokens, Segments? segments = null)
    {
        using var scope = NewDisposeScope();
        return Hidden(tokens, segments).to(ScalarType.Float32).view(tokens.shape[0], tokens.shape[1], -1).MoveToOuterDisposeScope();
    }

    /// <summary>The stream between the blocks, (B, T, D) fp32 each: what transformers gives as <c>hidden_states</c>.</summary>
    public IReadOnlyList<Tensor> HiddenStates(Tensor tokens)
    {
        var states = new List<Tensor>();
        using var scope = NewDisposeScope();
        Hidden(tokens, segments: null, states);
        states.RemoveAt(_plan.StatesFromFirstBlock ? 0 : states.Count - 2);
        return
        [
            .. states.Select(state => state.to(ScalarType.Float32).view(tokens.shape[0], tokens.shape[1], -1).MoveToOuterDisposeScope()),
        ];
    }

    public override IReadOnlyList<(string Name, double Value)> LastMetrics()
    {
        if (_routings.Count == 0) return [];
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        return
        [
            ("moe/aux_loss", RouterLosses.LoadBalancing(_routings).item<float>()),
            ("moe/z_loss", RouterLosses.LogPartition(_routings).item<float>()),
            ("moe/imbalance", RouterLosses.Imbalance(_routings)),
        ];
    }

    public override IEnumerable<(string Name, long[] Shape, float[] Values)> Export()
    {
        foreach (var tensor in _plan.Tensors())
        {
            var (parameter, start, columns) = _layout[tensor.Name];
            var values = Parameters.Read(parameter, start, tensor.Elements);
            yield return (tensor.Name, tensor.Shape, columns == 0 ? values : Transposed(values, columns));
        }
    }

    internal override void Import(IEnumerable<TensorShape> tensors, Action<string, float[]> read)
    {
        foreach (var tensor in tensors)
        {
            var values = new float[tensor.Elements];
            read(tensor.Name, values);
            var (parameter, start, columns) = _layout[tensor.Name];
            Parameters.Write(parameter, columns == 0 ? values : Transposed(values, values.Length / columns), start);
        }
        Parameters.RefreshCopy();
    }

    public override IReadOnlyList<(string Name, float[] Values)> ExportedGradients()
    {
        using var scope = NewDisposeScope();
        return
        [
            .. _plan
                .Tensors()
                .Select(tensor =>
                {
                    var (parameter, start, columns) = _layout[tensor.Name];
                    if (_plan.Ngrams?.Any(table => table.Weight == tensor.Name) == true)
                        return (tensor.Name, Parameters.Rows.Untaken(tensor.Name));
                    var gradient = Parameters[parameter].grad;
                    if (gradient is null)
                        return (tensor.Name, new float[tensor.Elements]);
                    var values = gradient
                        .to(ScalarType.Float32)
                        .contiguous()
                        .view(-1)
                        .narrow(0, start, tensor.Elements)
                        .cpu()
                        .data<float>()
                        .ToArray();
                    return (tensor.Name, columns == 0 ? values : Transposed(values, columns));
                }),
        ];
    }

    public override void Dispose()
    {
        Parameters.Dispose();
        foreach (var block in _blocks) block.Mixer.Dispose();
        ForgetRoutings();
        GC.SuppressFinalize(this);
    }

    /// <summary>Adds the router's losses of the last pass, where the plan has experts and gradients are wanted.</summary>
    /// <param name="share">They are means, and weigh as much of a step as this batch is.</param>
    private protected Tensor WithRouterLosses(Tensor loss, Func<double> share)
    {
        if (_mixture is not { } mixture || _routings.Count == 0 || !loss.requires_grad) return loss;
        var weight = share();
        if (mixture.AuxLossCoefficient > 0) loss = loss + RouterLosses.LoadBalancing(_routings) * (mixture.AuxLossCoefficient * weight);
        if (mixture.ZLossCoefficient > 0) loss = loss + RouterLosses.LogPartition(_routings) * (mixture.ZLossCoefficient * weight);
        return loss;
    }

    /// <param name="states">Gets the stream after the embedding, after each block, and after the final norm, (N, D) each.</param>
    private protected Tensor Hidden(Tensor tokens, Segments? segments = null, List<Tensor>? states = null)       // (B, T) int64
    {
        using var scope = NewDisposeScope();
        var (b, t) = (tokens.shape[0], tokens.shape[1]);
        if (t > _config.ContextLength)
            throw new ArgumentException($"{t} positions, but the model's context is {_config.ContextLength}.", nameof(tokens));
        ForgetRoutings();
        segments?.Check(tokens, 1);
        var unpadded = _mixture is null ? null : segments?.UnpaddedPositions(tokens.device);
        var x = Parameters[_plan.Embedding].index_select(0, tokens.view(-1));   // (N, D)
        if (_plan.Ngrams is { Count: > 0 } tables)
            x = x.Plus(Parameters.LookUpSum(NgramRows.Of(tables, tokens, segments)).to(x.dtype));               // (N, D)
        if (_plan.Continuations is { Count: > 0 } continuations)
            x = Continuations.Add(x, continuations, tokens, segments, Parameters, _plan.Embedding);             // (N, D)
        if (_plan.Positions is { } positions)
        {
            x = segments is null
                ? x.view(b, t, -1).Plus(Parameters[positions.Name].narrow(0, 0, t)).view(b * t, -1)                // (N, D)
                : x.Plus(Parameters[positions.Name].index_select(0, segments.PositionTensor(tokens.device)));        // (N, D)
        }
        // What the last layer adds to the stream is added where the next one's norm reads it: one pass over the rows does both.
        Tensor? delta = null;
        foreach (var (spec, mixer, feedForward) in _blocks)
        {
            states?.Add(Stream());
            delta = mixer.Forward(Normed(spec.MixerNorm).view(b, t, -1), Parameters, segments).view(b * t, -1);      // (N, D)
            if (feedForward is null || spec.FeedForwardNorm is null) continue;
            delta = Fed(feedForward, Normed(spec.FeedForwardNorm), unpadded);   // (N, D)
        }
        states?.Add(Stream());
        var last = delta is null || _plan.FinalNorm.IsLayerNorm
            ? Normed(_plan.FinalNorm)
            : LayerMath.NormOfSum(x, delta, Parameters[_plan.FinalNorm.Weight], _plan.FinalNorm.Epsilon);             // (N, D)
        states?.Add(last.alias().MoveToOuterDisposeScope());
        return last.MoveToOuterDisposeScope();

        Tensor Stream() => (delta is null ? x.alias() : x.Plus(delta)).MoveToOuterDisposeScope();

        Tensor Normed(NormSpec norm)                                            // (N, D)
        {
            var added = delta;
            delta = null;
            if (added is null) return Norm(x, norm);
            if (norm.IsLayerNorm)
            {
                x = x.Plus(added);                                              // (N, D)
                return Norm(x, norm);
            }
            (x, var normed) = LayerMath.ResidualNorm(x, added, Parameters[norm.Weight], norm.Epsilon);
            return normed;
        }
    }

    private Tensor Fed(FeedForward feedForward, Tensor x, Tensor? unpadded)
    {
        if (feedForward is not MixtureOfExperts mixture) return feedForward.Forward(x, Parameters);
        var y = mixture.Forward(x, Parameters, unpadded, out var routing);
        // Kept until the next pass: the loss and the metrics read them.
        _routings.Add(routing with { Logits = routing.Logits.DetachFromDisposeScope(), Chosen = routing.Chosen.DetachFromDisposeScope() });
        return y;
    }

    private void ForgetRoutings()
    {
        foreach (var routing in _routings)
        {
            routing.Logits.Dispose();
            routing.Chosen.Dispose();
        }
        _routings = [];
    }

    private Tensor Norm(Tensor x, NormSpec norm)
    {
        if (!norm.IsLayerNorm) return LayerMath.RmsNorm(x, Parameters[norm.Weight], norm.Epsilon);
        using var scope = NewDisposeScope();
        var (weight, bias) = (Parameters[norm.Weight].to(x.dtype), Parameters[norm.Bias!].to(x.dtype));
        return functional.layer_norm(x, [norm.Size], weight, bias, norm.Epsilon).MoveToOuterDisposeScope();
    }

    private static float[] Transposed(float[] values, long columns)
    {
        var (rows, width) = ((int)(values.Length / columns), (int)columns);
        var result = new float[values.Length];
        // (columns, rows) as we keep it → (rows, columns) as it is stored, or the reverse by swapping the sizes.
        for (var row = 0; row < rows; row++)
        for (var column = 0; column < width; column++)
            result[row * width + column] = values[column * rows + row];
        return result;
    }

    private sealed record Block(BlockSpec Spec, SequenceMixer Mixer, FeedForward? FeedForward);
}
