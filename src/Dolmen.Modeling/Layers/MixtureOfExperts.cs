// N rows (= B·T), D model, X experts, S chosen a token (top-k)
using Dolmen.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>Dropless mixture of experts (Gale et al. 2022): rows are sorted by expert, so that each expert has one product over exactly its
/// rows, and added back where they came from.</summary>
internal sealed class MixtureOfExperts : FeedForward
{
    private readonly MixtureSpec _spec;
    private readonly SwiGlu[] _experts;

    public MixtureOfExperts(MixtureSpec spec, LayerMath math)
    {
        _spec = spec;
        _experts = [.. spec.Experts.Select(expert => new SwiGlu(expert, math))];
    }

    public override void Declare(WeightLayout layout, Initializer residual)
    {
        layout.Add(_spec.Router, Initializers.Hidden);
        foreach (var expert in _experts) expert.Declare(layout, residual);
    }

    public override Tensor Forward(Tensor x, ParameterStore weights) => Forward(x, weights, unpadded: null, out _);

    /// <param name="unpadded">Rows that are not padding, int64; null where all are.</param>
    /// <param name="routing">What the router said of the rows that are not padding, for its losses.</param>
    public Tensor Forward(Tensor x, ParameterStore weights, Tensor? unpadded, out Routing routing)
    {
        using var scope = NewDisposeScope();
        var logits = _spec.Router.Apply(x, weights).to(ScalarType.Float32);                     // (N, X) fp32
        var (share, chosen) = logits.softmax(-1).topk(_spec.TopK, -1);                          // 2 × (N, S)
        if (_spec.Renormalize) share = share / share.sum(-1, keepdim: true);
        var expertOf = chosen.view(-1);                                                         // (N·S)
        // The row's number in the key makes the order the same every time: libtorch's sort is not stable.
        var key = expertOf * expertOf.numel() + arange(expertOf.numel(), device: x.device);     // (N·S)
        var order = key.argsort();                                                              // (N·S), rows by expert
        var counts = expertOf.bincount(null, _experts.Length).data<long>().ToArray();
        var rowOf = order.div(_spec.TopK, RoundingMode.floor);                                  // (N·S)
        var sorted = x.index_select(0, rowOf);                                                  // (N·S, D)
        var outputs = new List<Tensor>();
        long at = 0;
        for (var i = 0; i < _experts.Length; i++)
        {
            if (counts[i] > 0) outputs.Add(_experts[i].Forward(sorted.narrow(0, at, counts[i]), weights));
            at += counts[i];
        }
        var weight = share.view(-1).index_select(0, order).unsqueeze(1).to(x.dtype);            // (N·S, 1)
        var y = zeros_like(x).index_add(0, rowOf, cat(outputs, 0) * weight, 1);                 // (N, D)
        if (unpadded is not null)
        {
            (logits, chosen) = (logits.index_select(0, unpadded), chosen.index_select(0, unpadded));
            counts = chosen.view(-1).bincount(null, _experts.Length).data<long>().ToArray();
        }
        routing = new Routing(logits.MoveToOuterDisposeScope(), chosen.MoveToOuterDisposeScope(), counts);
        return y.MoveToOuterDisposeScope();
    }
}

/// <summary>One layer's decisions: logits (N, X) fp32, chosen experts (N, S), rows an expert got.</summary>
internal sealed record Routing(Tensor Logits, Tensor Chosen, long[] Counts);

/// <summary>What keeps a router from sending everything to one expert.</summary>
internal static class RouterLosses
{
    /// <summary>X·Σ fraction·probability over the experts and the S choices, all layers taken together (Fedus et al. 2021, as transformers
    /// computes it for Mixtral). S where the load is even.</summary>
    public static Tensor LoadBalancing(IReadOnlyList<Routing> layers)
    {
        using var scope = NewDisposeScope();
        var experts = layers[0].Logits.shape[1];
        var probability = cat([.. layers.Select(layer => layer.Logits)], 0).softmax(-1).mean([0]);        // (X)
        var chosen = cat([.. layers.Select(layer => layer.Chosen)], 0);                                   // (layers·N, S)
        var fraction = nn.functional.one_hot(chosen, experts).to(ScalarType.Float32).mean([0]);           // (S, X)
        return ((fraction * probability.unsqueeze(0)).sum() * experts).MoveToOuterDisposeScope();
    }

    /// <summary>Mean squared log-partition of the logits (Zoph et al. 2022).</summary>
    public static Tensor LogPartition(IReadOnlyList<Routing> layers)
    {
        using var scope = NewDisposeScope();
        return cat([.. layers.Select(layer => layer.Logits)], 0).logsumexp(-1).square().mean().MoveToOuterDisposeScope();
    }

    /// <summary>The busiest expert's share of the rows over an even share; 1 is balance.</summary>
    public static double Imbalance(IReadOnlyList<Routing> layers) =>
        layers.Average(layer => layer.Counts.Max() * (double)layer.Counts.Length / Math.Max(1, layer.Counts.Sum()));
}
