// B batch, T sequence, D model
using Dolmen.Checkpoints;
using Dolmen.Modeling.Layers;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Mixers;

/// <summary>The part of a block that looks at earlier positions, all of them at once: what training and a parallel pass need. Decoding one
/// token after the other is Inference's business.</summary>
internal abstract class SequenceMixer : IDisposable
{
    /// <param name="residual">What projections back into the residual stream start as.</param>
    public abstract void Declare(WeightLayout layout, Initializer residual);

    /// <summary>(B, T, D) → (B, T, D).</summary>
    /// <param name="segments">No position of one depends on another one; null takes every row as one.</param>
    public abstract Tensor Forward(Tensor x, ParameterStore weights, Segments? segments);

    public virtual void Dispose() => GC.SuppressFinalize(this);

    /// <summary>The registration list: one line a mixer.</summary>
    public static SequenceMixer Build(MixerSpec spec, LayerMath math, int contextLength) => spec switch
    {
        AttentionSpec attention => new AttentionMixer(attention, math, contextLength),
        MambaSpec mamba => new MambaMixer(mamba, math),
        Mamba2Spec mamba => new Mamba2Mixer(mamba, math),
        S4Spec s4 => new S4Mixer(s4, math),
        H3Spec h3 => new H3Mixer(h3, math),
        _ => throw new NotSupportedException($"{spec.GetType().Name} cannot be trained."),
    };
}
