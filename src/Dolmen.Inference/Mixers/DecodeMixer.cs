using Dolmen.Checkpoints;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference.Mixers;

// M tokens of one pass, D model

/// <summary>A mixer as the engine runs it. To add one: a file with its class, and its line in <see cref="Create"/>. What
/// <see cref="Forward"/> computes for a token may depend on other tokens only through its own sequence's state, and must be the same bits
/// whoever else is in the pass, however tokens are cut into passes and for any number of threads: products through
/// <see cref="DecodeLinear"/>, recurrences row by row in one fixed order, threads parted by sequences, channels or rows.</summary>
internal abstract class DecodeMixer : IDisposable
{
    /// <summary>The registration.</summary>
    public static DecodeMixer Create(MixerSpec spec, WeightSource weights)
    {
        DecodeMixer mixer = spec switch
        {
            AttentionSpec attention => new CausalAttention(attention, weights),
            MambaSpec mamba => new MambaRecurrence(mamba, weights),
            Mamba2Spec mamba2 => new Mamba2Recurrence(mamba2, weights),
            S4Spec s4 => new S4Recurrence(s4, weights),
            H3Spec h3 => new H3Recurrence(h3, weights),
            _ => throw new NotSupportedException($"This engine has no mixer for {spec.GetType().Name}."),
        };
        mixer._stateValues = spec.StateValuesPerSequence;
        return mixer;
    }

    private long _stateValues;

    /// <summary>Whether the state grows with the tokens.</summary>
    public abstract bool Grows { get; }

    /// <summary>Floats from one row of the output to the next.</summary>
    public abstract int OutputStride { get; }

    public abstract long WeightBytes { get; }

    /// <summary>An empty state, counted in <paramref name="memory"/>.</summary>
    public abstract LayerState NewState(StateMemory memory);

    /// <summary>Bytes of the state of a sequence of <paramref name="tokens"/> tokens.</summary>
    public virtual long StateBytes(int tokens) => _stateValues * sizeof(float);

    /// <summary>Appends the rows of a pass to the states of their sequences.</summary>
    /// <param name="x">(M, D), normed.</param>
    /// <param name="layer">Index of the layer's state in each sequence's.</param>
    /// <param name="y">(M, <see cref="OutputStride"/>), of which D are written.</param>
    public abstract unsafe void Forward(float* x, PassRows rows, int layer, float* y, DecodePass pass);

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}
