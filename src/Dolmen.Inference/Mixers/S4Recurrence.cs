using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference.Mixers;

// M tokens of one pass, D model

/// <summary>S4's block as a recurrence (Gu et al. 2022): state space on every feature, GELU, Output's halves a·σ(b).</summary>
internal sealed unsafe class S4Recurrence(S4Spec spec, WeightSource weights) : DecodeMixer
{
    private const int Lanes = RecurrentState.Lanes;

    private readonly StateSpaceCell _cell = new(spec.System, weights);
    private readonly DecodeLinear _output = new(spec.Output, weights);

    public override bool Grows => false;

    public override int OutputStride => (spec.System.Features + Lanes - 1) / Lanes * Lanes;

    public override long WeightBytes => _cell.Bytes + _output.Bytes;

    public override LayerState NewState(StateMemory memory) =>
        new RecurrentState(memory, new StatePart(1, spec.System.Features, _cell.Inner));

    public override void Forward(float* x, PassRows rows, int layer, float* y, DecodePass pass)
    {
        var (m, d, blockState) = (rows.Count, spec.System.Features, (long)_cell.Inner * Lanes);
        var heard = pass.Floats(Scratch.Narrow, (long)m * d);
        var wide = pass.Floats(Scratch.Wide, (long)m * _output.Stride);
        pass.Run(rows, _cell.Blocks, (long)m * d * _cell.Inner / 8, (piece, block) =>
        {
            var first = block * Lanes;
            var count = Math.Min(Lanes, d - first);
            float* from = x + (long)piece.Row * d + first, to = heard + (long)piece.Row * d + first;
            _cell.Forward(block, piece.Count, from, d, to, d, count, RecurrentState.Of(piece, layer).Part(0) + block * blockState);
            for (var t = 0; t < piece.Count; t++) Gelu(to + (long)t * d, count);                                    // (M, D)
        });
        _output.Forward(heard, m, wide, pass);                           // (M, 2D)
        for (var t = 0; t < m; t++) Gate(wide + (long)t * _output.Stride, y + (long)t * OutputStride, d);           // (M, D)
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _cell.Dispose();
        _output.Dispose();
    }

    /// <summary>x·Φ(x), the error function by Abramowitz and Stegun's 7.1.26 (absolute error below 2e-7).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gelu(float* x, int count)
    {
        var value = Vector512.Load(x);
        var z = Vector512.Abs(value) * Vector512.Create(0.70710678f);
        var t = Vector512<float>.One / Vector512.FusedMultiplyAdd(z, Vector512.Create(0.3275911f), Vector512<float>.One);
        var p = Vector512.Create(1.061405429f);
        p = Vector512.FusedMultiplyAdd(p, t, Vector512.Create(-1.453152027f));
        p = Vector512.FusedMultiplyAdd(p, t, Vector512.Create(1.421413741f));
        p = Vector512.FusedMultiplyAdd(p, t, Vector512.Create(-0.284496736f));
        p = Vector512.FusedMultiplyAdd(p, t, Vector512.Create(0.254829592f));
        var tail = p * t * VectorMath16.Exp(-z * z) * Vector512.Create(0.5f);          // Φ(−|x|)
        var share = Vector512.ConditionalSelect(Vector512.LessThan(value, Vector512<float>.Zero), tail, Vector512<float>.One - tail);
        VectorMath16.Store(value * share, x, count);
    }

    /// <summary>y = a·σ(b) of one row a, b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gate(float* row, float* y, int d)
    {
        for (var i = 0; i < d; i += Lanes)
        {
            var gated = Vector512.Load(row + i) / (Vector512<float>.One + VectorMath16.Exp(-Vector512.Load(row + d + i)));
            VectorMath16.Store(gated, y + i, d - i);
        }
    }
}
