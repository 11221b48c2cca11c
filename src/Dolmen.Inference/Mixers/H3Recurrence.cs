using System.Runtime.CompilerServices;
using Dolmen.Checkpoints;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference.Mixers;

// M tokens of one pass, D model, H heads, E head dim (= D / H)

/// <summary>H3 as a recurrence (Fu et al. 2023, algorithm 1): k through the shift state space, its outer products with v through E·E states
/// of the diagonal one, picked by q.</summary>
internal sealed unsafe class H3Recurrence(H3Spec spec, WeightSource weights) : DecodeMixer
{
    private const int Lanes = RecurrentState.Lanes;
    private const int Shift = 0, Memory = 1;

    private readonly DecodeLinear _qkv = new(spec.Qkv, weights);
    private readonly ShiftCell _shift = new(spec, weights);
    private readonly StateSpaceCell _memory = new(spec.Memory, weights);
    private readonly DecodeLinear _output = new(spec.Output, weights);

    public override bool Grows => false;

    public override int OutputStride => _output.Stride;

    public override long WeightBytes => _qkv.Bytes + _shift.Bytes + _memory.Bytes + _output.Bytes;

    public override LayerState NewState(StateMemory memory) => new RecurrentState(memory, 
        new StatePart(1, spec.DModel, spec.ShiftState - 1), new StatePart(spec.HeadDim * spec.HeadDim, spec.Heads, _memory.Inner));

    public override void Forward(float* x, PassRows rows, int layer, float* y, DecodePass pass)
    {
        var (m, d, e) = (rows.Count, spec.DModel, spec.HeadDim);
        var qkv = pass.Floats(Scratch.Wide, (long)m * _qkv.Stride);
        var keys = pass.Floats(Scratch.Narrow, (long)m * d);
        var picked = pass.Floats(Scratch.Third, (long)m * d);
        var pairs = pass.Floats(Scratch.Fourth, (long)e * _memory.Blocks * m * Lanes);
        _qkv.Forward(x, m, qkv, pass);                                   // (M, 3D)
        pass.Run(rows, (d + Lanes - 1) / Lanes, (long)m * d * spec.ShiftState / 8, (piece, block) =>
        {
            var first = block * Lanes;
            _shift.Forward(
                block, piece.Count, piece.Position, qkv + (long)piece.Row * _qkv.Stride + d + first, _qkv.Stride,
                keys + (long)piece.Row * d + first, d, Math.Min(Lanes, d - first),
                RecurrentState.Of(piece, layer).Part(Shift) + (long)first * (spec.ShiftState - 1));                 // (M, D)
        });
        pass.Run(rows, e * _memory.Blocks, (long)m * d * e * _memory.Inner / 8, (piece, column) =>
        {
            var row = (long)piece.Row;
            var states = RecurrentState.Of(piece, layer).Part(Memory);
            Remember(
                piece.Count, column / _memory.Blocks, column % _memory.Blocks, qkv + row * _qkv.Stride, keys + row * d, states,
                pairs + ((long)column * m + row) * Lanes, picked + row * d);
        });
        _output.Forward(picked, m, y, pass);                             // (M, D)
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _qkv.Dispose();
        _shift.Dispose();
        _memory.Dispose();
        _output.Dispose();
    }

    /// <summary>Column j of sixteen heads: y(j, h) = Σᵢ q(h, i)·memory(k(h, i)·v(h, j)). The head is the slower index of q, k and v and the
    /// faster one of the result, as in the authors' code.</summary>
    /// <param name="pairs">(M, 16), the products and what the memory makes of them.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Remember(int m, int j, int block, float* qkv, float* keys, float* states, float* pairs, float* picked)
    {
        var (d, e, first) = (spec.DModel, spec.HeadDim, block * Lanes);
        var count = Math.Min(Lanes, spec.Heads - first);
        for (var i = 0; i < e; i++)
        {
            for (var t = 0; t < m; t++)
            {
                float* k = keys + (long)t * d + i, v = qkv + (long)t * _qkv.Stride + 2 * d + j;
                for (var h = 0; h < count; h++) pairs[(long)t * Lanes + h] = k[(first + h) * e] * v[(first + h) * e];
            }
            _memory.Forward(
                block,
                m,
                pairs,
                Lanes,
                pairs,
                Lanes,
                count,
                states + ((long)(i * e + j) * _memory.Blocks + block) * _memory.Inner * Lanes
            );
            for (var t = 0; t < m; t++)
            {
                float* q = qkv + (long)t * _qkv.Stride + i, to = picked + (long)t * d + j * spec.Heads + first;
                for (var h = 0; h < count; h++)
                {
                    var part = q[(first + h) * e] * pairs[(long)t * Lanes + h];
                    to[h] = i == 0 ? part : to[h] + part;
                }
            }
        }
    }
}
