using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;

namespace Dolmen.Inference.Layers;

// M rows, D model, F feed-forward

/// <summary>A feed-forward as the engine runs it: one file or class, and its line in <see cref="Create"/>.</summary>
internal abstract class DecodeFeedForward : IDisposable
{
    /// <summary>The registration.</summary>
    public static DecodeFeedForward Create(FeedForwardSpec spec, WeightSource weights) => spec switch
    {
        SwiGluSpec gated => new SwiGlu(gated, weights),
        GeluSpec gelu => new Gelu(gelu, weights),
        MixtureSpec mixture => new Mixture(mixture, weights),
        _ => throw new NotSupportedException($"This engine has no feed-forward for {spec.GetType().Name}."),
    };

    /// <summary>Floats from one row of the output to the next.</summary>
    public abstract int OutputStride { get; }

    public abstract long WeightBytes { get; }

    /// <param name="x">(M, D), normed.</param>
    /// <param name="y">(M, <see cref="OutputStride"/>), of which D are written.</param>
    public abstract unsafe void Forward(float* x, int m, float* y, DecodePass pass);

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}

/// <summary>Down·(f(gate)·up).</summary>
internal sealed unsafe class SwiGlu(SwiGluSpec spec, WeightSource weights) : DecodeFeedForward
{
    private readonly DecodeLinear _gateUp = new(spec.GateUp, weights);
    private readonly DecodeLinear _down = new(spec.Down, weights);

    public override int OutputStride => _down.Stride;

    public override long WeightBytes => _gateUp.Bytes + _down.Bytes;

    public override void Forward(float* x, int m, float* y, DecodePass pass)
    {
        int f = _down.Inputs, stride = _gateUp.Stride;
        var wide = pass.Floats(Scratch.Wide, (long)m * stride);
        var narrow = pass.Floats(Scratch.Narrow, (long)m * f);
        _gateUp.Forward(x, m, wide, pass);                               // (M, 2F)
        pass.Run(m, (long)m * f, i =>
        {
            float* gate = wide + (long)i * stride, to = narrow + (long)i * f;
            if (spec.Activation == ActivationKind.Silu) VectorMath.SwiGlu(gate, gate + f, to, f);
            else ActivationMath.Gated(spec.Activation, gate, gate + f, to, f);
        });
        _down.Forward(narrow, m, y, pass);                               // (M, D)
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _gateUp.Dispose();
        _down.Dispose();
    }
}

/// <summary>Down·f(Up·x).</summary>
internal sealed unsafe class Gelu(GeluSpec spec, WeightSource weights) : DecodeFeedForward
{
    private readonly DecodeLinear _up = new(spec.Up, weights);
    private readonly DecodeLinear _down = new(spec.Down, weights);

    public override int OutputStride => _down.Stride;

    public override long WeightBytes => _up.Bytes + _down.Bytes;

    public override void Forward(float* x, int m, float* y, DecodePass pass)
    {
        int f = _down.Inputs, stride = _up.Stride;
        var wide = pass.Floats(Scratch.Wide, (long)m * stride);
        var narrow = pass.Floats(Scratch.Narrow, (long)m * f);
        _up.Forward(x, m, wide, pass);                                   // (M, F)
        pass.Run(m, (long)m * f, i =>
        {
            float* from = wide + (long)i * stride, to = narrow + (long)i * f;
            if (spec.Activation == ActivationKind.GeluTanh) VectorMath.Gelu(from, to, f);
            else ActivationMath.Apply(spec.Activation, from, to, f);
        });
        _down.Forward(narrow, m, y, pass);                               // (M, D)
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _up.Dispose();
        _down.Dispose();
    }
}
