using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference.Mixers;

// M tokens of one pass, D model, I inner, N state, R rank of Δ

/// <summary>Mamba's selective state space as a recurrence (Gu and Dao 2023, algorithm 2): h ← exp(Δ·A)·h + Δ·B·x, y = C·h + D·x.</summary>
internal sealed unsafe class MambaRecurrence : DecodeMixer
{
    private const int Lanes = RecurrentState.Lanes;
    private const int Convolution = 0, StateSpace = 1;

    private readonly MambaSpec _spec;
    private readonly DecodeLinear _in;
    private readonly CausalConvolution _convolution;
    private readonly DecodeLinear _x;
    private readonly DecodeLinear _dt;
    private readonly DecodeLinear _output;
    private readonly DecodeNorm? _dtNorm;
    private readonly DecodeNorm? _bNorm;
    private readonly DecodeNorm? _cNorm;
    private readonly NativeBuffer _a;                                    // −exp(A_log), blocks of (N, 16 channels)
    private readonly NativeBuffer _skip;

    public MambaRecurrence(MambaSpec spec, WeightSource weights)
    {
        _spec = spec;
        var part = new StatePart(1, spec.DInner, spec.DState);
        _a = NativeBuffer.OfFloats(part.Floats);
        weights.Fill(() =>
        {
            var aLog = weights.Tensor(spec.ALog, (long)spec.DInner * spec.DState).Span;         // (I, N)
            for (var i = 0; i < spec.DInner; i++)
            {
                for (var n = 0; n < spec.DState; n++)
                    _a.Floats[(long)(i / Lanes * spec.DState + n) * Lanes + i % Lanes] = -MathF.Exp(aLog[i * spec.DState + n]);
            }
        });
        _skip = weights.Vector(spec.Skip, spec.DInner);
        _convolution = new CausalConvolution(spec.Convolution, weights);
        _in = new DecodeLinear(spec.In, weights);
        _x = new DecodeLinear(spec.X, weights);
        _dt = new DecodeLinear(spec.Dt, weights);
        _output = new DecodeLinear(spec.Output, weights);
        _dtNorm = Norm(spec.DtNorm, spec.DtRank);
        _bNorm = Norm(spec.BNorm, spec.DState);
        _cNorm = Norm(spec.CNorm, spec.DState);

        DecodeNorm? Norm(NormSpec? norm, int size) => norm is not null ? new DecodeNorm(norm, weights)
            : spec.PlainNormEps is { } epsilon ? new DecodeNorm(size, epsilon) : null;
    }

    public override bool Grows => false;

    public override int OutputStride => _output.Stride;

    public override long WeightBytes => _a.Bytes + _skip.Bytes + _convolution.Bytes + _in.Bytes + _x.Bytes + _dt.Bytes + _output.Bytes
        + (_dtNorm?.Bytes ?? 0) + (_bNorm?.Bytes ?? 0) + (_cNorm?.Bytes ?? 0);

    public override LayerState NewState(StateMemory memory) =>
        new RecurrentState(memory, _convolution.State, new StatePart(1, _spec.DInner, _spec.DState));

    public override void Forward(float* x, PassRows rows, int layer, float* y, DecodePass pass)
    {
        var m = rows.Count;
        int inner = _spec.DInner, n = _spec.DState, rank = _spec.DtRank;
        var xz = pass.Floats(Scratch.Wide, (long)m * _in.Stride);
        var u = pass.Floats(Scratch.Narrow, (long)m * inner);
        var selection = pass.Floats(Scratch.Third, (long)m * _x.Stride);
        var lowRank = pass.Floats(Scratch.Fourth, (long)m * rank);
        var dt = pass.Floats(Scratch.Fifth, (long)m * _dt.Stride);
        _in.Forward(x, m, xz, pass);                                     // (M, 2I): x, z
        _convolution.Forward(xz, _in.Stride, rows, layer, Convolution, u, pass);            // (M, I)
        _x.Forward(u, m, selection, pass);                               // (M, R + 2N): Δr, B, C
        for (var i = 0; i < m; i++)
        {
            var row = selection + (long)i * _x.Stride;
            _dtNorm?.Forward(row, row);
            _bNorm?.Forward(row + rank, row + rank);
            _cNorm?.Forward(row + rank + n, row + rank + n);
            new ReadOnlySpan<float>(row, rank).CopyTo(new Span<float>(lowRank + (long)i * rank, rank));
        }
        _dt.Forward(lowRank, m, dt, pass);                               // (M, I)
        Scan(rows, layer, xz, u, selection, dt, pass);                   // (M, I), over u
        _output.Forward(u, m, y, pass);                                  // (M, D)
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        foreach (var linear in (DecodeLinear[])[_in, _x, _dt, _output]) linear.Dispose();
        foreach (var norm in (DecodeNorm?[])[_dtNorm, _bNorm, _cNorm]) norm?.Dispose();
        _convolution.Dispose();
        _a.Dispose();
        _skip.Dispose();
    }

    private void Scan(PassRows rows, int layer, float* xz, float* u, float* selection, float* dt, DecodePass pass)
    {
        int inner = _spec.DInner, n = _spec.DState, rank = _spec.DtRank;
        pass.Run(rows, (inner + Lanes - 1) / Lanes, (long)rows.Count * inner * n / 8, (piece, block) =>
        {
            var (c, row) = (block * Lanes, (long)piece.Row);
            var state = RecurrentState.Of(piece, layer).Part(StateSpace) + (long)c * n;
            Block(
                piece.Count, Math.Min(Lanes, inner - c), n, _a.Floats + (long)c * n, _skip.Floats + c, state, u + row * inner + c, inner,
                xz + row * _in.Stride + inner + c, _in.Stride, dt + row * _dt.Stride + c, _dt.Stride,
                selection + row * _x.Stride + rank, _x.Stride);
        });
    }

    /// <summary>Sixteen channels through the rows of a sequence.</summary>
    /// <param name="a">(N, 16); likewise <paramref name="h"/>, the state.</param>
    /// <param name="u">Input and output, (M, …).</param>
    /// <param name="b">B then C of each row, (M, 2N).</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block(
        int m, int count, int n, float* a, float* skip, float* h, float* u, int uStride, float* z, int zStride, float* dt, int dtStride,
        float* b, int bStride)
    {
        var d = Vector512.Load(skip);
        for (var t = 0; t < m; t++, u += uStride, z += zStride, dt += dtStride, b += bStride)
        {
            var x = Vector512.Load(u);
            var delta = VectorMath16.Softplus(Vector512.Load(dt));
            var dx = delta * x;
            var y = d * x;
            for (var j = 0; j < n; j++)
            {
                var decay = VectorMath16.Exp(delta * Vector512.Load(a + j * Lanes));
                var next = Vector512.FusedMultiplyAdd(decay, Vector512.Load(h + j * Lanes), dx * Vector512.Create(b[j]));
                next.Store(h + j * Lanes);
                y = Vector512.FusedMultiplyAdd(next, Vector512.Create(b[n + j]), y);
            }
            VectorMath16.Store(y * VectorMath16.Silu(Vector512.Load(z)), u, count);
        }
    }
}
