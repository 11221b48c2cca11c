namespace Dolmen.Checkpoints;

/// <summary>The part of a block that treats every position alone.</summary>
public abstract record FeedForwardSpec
{
    /// <summary>What people call it, in a model card.</summary>
    public abstract string Name { get; }

    public abstract IEnumerable<TensorShape> Tensors();

    public abstract double ForwardFlopsPerToken { get; }

    /// <summary>Parameters one token meets.</summary>
    public virtual long ActiveParameters => Tensors().Sum(tensor => tensor.Elements);
}

/// <summary>Down·(f(gate)·up) with (gate, up) = GateUp·x and f the activation, SiLU in most models (Shazeer 2020).</summary>
public sealed record SwiGluSpec(LinearSpec GateUp, LinearSpec Down, ActivationKind Activation = ActivationKind.Silu) : FeedForwardSpec
{
    public override string Name => Activation == ActivationKind.Silu ? "SwiGLU" : "gated feed-forward";

    public override IEnumerable<TensorShape> Tensors() => [.. GateUp.Tensors(), .. Down.Tensors()];

    public override double ForwardFlopsPerToken => GateUp.ForwardFlops + Down.ForwardFlops;
}

/// <summary>Down·f(Up·x) without a gate; in GPT-2 the activation f is GELU in its tanh form (Hendrycks and Gimpel 2016).</summary>
public sealed record GeluSpec(LinearSpec Up, LinearSpec Down, ActivationKind Activation = ActivationKind.GeluTanh) : FeedForwardSpec
{
    public override string Name => "feed-forward";

    public override IEnumerable<TensorShape> Tensors() => [.. Up.Tensors(), .. Down.Tensors()];

    public override double ForwardFlopsPerToken => Up.ForwardFlops + Down.ForwardFlops;
}

/// <summary>A router sends each token to the TopK experts with the highest softmax(Router·x) and adds their outputs weighted by it
/// (Shazeer et al. 2017). No token is dropped.</summary>
/// <param name="Sizes">How many experts, how many a token meets, and the weights of the router's losses in training.</param>
/// <param name="Renormalize">Whether the chosen weights are divided by their sum (Mixtral does, Jamba does not).</param>
public sealed record MixtureSpec(LinearSpec Router, IReadOnlyList<SwiGluSpec> Experts, MixtureConfig Sizes, bool Renormalize)
    : FeedForwardSpec
{
    public override string Name => $"mixture of {Experts.Count} experts, {TopK} a token";

    public int TopK => Sizes.TopK;

    public override IEnumerable<TensorShape> Tensors() => [.. Router.Tensors(), .. Experts.SelectMany(expert => expert.Tensors())];

    public override double ForwardFlopsPerToken => Router.ForwardFlops + TopK * Experts[0].ForwardFlopsPerToken;

    public override long ActiveParameters =>
        Router.Tensors().Sum(tensor => tensor.Elements) + TopK * Experts[0].Tensors().Sum(tensor => tensor.Elements);
}
