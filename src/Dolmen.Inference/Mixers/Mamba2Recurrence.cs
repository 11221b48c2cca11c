using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference.Mixers;

// M tokens of one pass, D model, H heads, P head dim, I inner (= H·P), G groups, N state

/// <summary>Mamba-2 as a recurrence (Dao and Gu 2024): h ← exp(Δ·A)·h + Δ·B⊗x with one Δ and A a head, y = C·h + D·x.</summary>
internal sealed unsafe class Mamba2Recurrence : DecodeMixer
{
    private const int Lanes = RecurrentState.Lanes;
    private const int Convolution = 0, StateSpace = 1;

    private readonly Mamba2Spec _spec;
    private readonly DecodeLinear _in;
    private readonly CausalConvolution _convolution;
    private readonly DecodeNorm _norm;
    private readonly DecodeLinear _output;
    private readonly float[] _a;
    private readonly float[] _dtBias;
    private readonly float[] _skip;

    public Mamba2Recurrence(Mamba2Spec spec, WeightSource weights)
    {
        _spec = spec;
        _dtBias = weights.Array(spec.DtBias, spec.Heads);
        _a = new float[spec.Heads];
        weights.Fill(() =>
        {
            var logs = weights.Tensor(spec.ALog, spec.Heads).Span;
            for (var head = 0; head < spec.Heads; head++) _a[head] = -MathF.Exp(logs[head]);
        });
        _skip = weights.Array(spec.Skip, spec.Heads);
        _convolution = new CausalConvolution(spec.Convolution, weights);
        _in = new DecodeLinear(spec.In, weights);
        _norm = new DecodeNorm(spec.Norm, weights);
        _output = new DecodeLinear(spec.Output, weights);
    }

    public override bool Grows => false;

    public override int OutputStride => _output.Stride;

    public override long WeightBytes =>
        _convolution.Bytes + _in.Bytes + _norm.Bytes + _output.Bytes + 3L * _spec.Heads * sizeof(float);

    public override LayerState NewState(StateMemory memory) =>
        new RecurrentState(memory, _convolution.State, new StatePart(_spec.Heads, _spec.HeadDim, _spec.DState));

    public override void Forward(float* x, PassRows rows, int layer, float* y, DecodePass pass)
    {
        var m = rows.Count;
        int inner = _spec.DInner, channels = _spec.Convolution.Channels;
        var wide = pass.Floats(Scratch.Wide, (long)m * _in.Stride);
        var xbc = pass.Floats(Scratch.Third, (long)m * channels);
        var mixed = pass.Floats(Scratch.Narrow, (long)m * inner);
        _in.Forward(x, m, wide, pass);                                   // (M, 2I + 2G·N + H): z, x, B, C, Δ
        _convolution.Forward(wide + inner, _in.Stride, rows, layer, Convolution, xbc, pass);            // (M, I + 2G·N)
        Scan(rows, layer, wide, xbc, mixed, pass);                       // (M, I), gated by z
        pass.Run(m, (long)m * inner, i => _norm.Forward(mixed + (long)i * inner, mixed + (long)i * inner));
        _output.Forward(mixed, m, y, pass);                              // (M, D)
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _in.Dispose();
        _convolution.Dispose();
        _norm.Dispose();
        _output.Dispose();
    }

    private void Scan(PassRows rows, int layer, float* wide, float* xbc, float* y, DecodePass pass)
    {
        int inner = _spec.DInner, p = _spec.HeadDim, n = _spec.DState, channels = _spec.Convolution.Channels;
        var blocks = (p + Lanes - 1) / Lanes;
        var dtAt = inner + channels;
        pass.Run(rows, _spec.Heads, (long)rows.Count * inner * n / 32, (piece, head) =>
        {
            float* u = xbc + (long)piece.Row * channels, z = wide + (long)piece.Row * _in.Stride, to = y + (long)piece.Row * inner;
            var b = u + inner + head / (_spec.Heads / _spec.Groups) * n;
            var state = RecurrentState.Of(piece, layer).Part(StateSpace);
            for (var block = 0; block < blocks; block++)
            {
                var c = head * p + block * Lanes;
                Block(
                    piece.Count, Math.Min(Lanes, p - block * Lanes), head, state + (long)(head * blocks + block) * n * Lanes, u + c, b,
                    channels, z + c, z + dtAt + head, to + c);
            }
        });
    }

    /// <summary>Sixteen channels of a head through the rows of a sequence.</summary>
    /// <param name="h">The state, (N, 16).</param>
    /// <param name="b">B of each row, C after those of all groups.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Block(int m, int count, int head, float* h, float* u, float* b, int stride, float* z, float* dt, float* y)
    {
        int n = _spec.DState, inner = _spec.DInner, wideStride = _in.Stride;
        var c = b + _spec.Groups * n;
        float least = (float)_spec.MinDt, most = (float)_spec.MaxDt;
        for (var t = 0; t < m; t++, u += stride, b += stride, c += stride, z += wideStride, dt += wideStride, y += inner)
        {
            // Every block of the head computes the same Δ: cheaper than passing it on.
            var delta = Vector512.Min(
                Vector512.Max(VectorMath16.Softplus(Vector512.Create(*dt + _dtBias[head])), Vector512.Create(least)),
                Vector512.Create(most));
            var decay = VectorMath16.Exp(delta * Vector512.Create(_a[head]));
            var x = Vector512.Load(u);
            var dx = delta * x;
            var sum = x * Vector512.Create(_skip[head]);
            for (var j = 0; j < n; j++)
            {
                var next = Vector512.FusedMultiplyAdd(decay, Vector512.Load(h + j * Lanes), dx * Vector512.Create(b[j]));
                next.Store(h + j * Lanes);
                sum = Vector512.FusedMultiplyAdd(next, Vector512.Create(c[j]), sum);
            }
            VectorMath16.Store(sum * VectorMath16.Silu(Vector512.Load(z)), y, count);
        }
    }
}
