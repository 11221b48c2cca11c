using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference.Mixers;

// H features, M pairs of the state, R rank

/// <summary>
/// The state spaces of S4, S4D and H3 one token at a time (Gu et al. 2022): x ← Ā·x + B̄·u, y = 2·Re C·x + D·u, in O(M) a feature. The
/// trapezoid step of a diagonal-plus-low-rank A is a diagonal one with two corrections along P, and the second of them, 2·Re P*x, is the
/// first of the next step: it belongs to the state. Kept is Ā − 1, not Ā, so that slow modes lose nothing to rounding.
/// </summary>
internal sealed unsafe class StateSpaceCell : IDisposable
{
    private const int Lanes = RecurrentState.Lanes;

    private readonly StateSpaceSpec _spec;
    private readonly NativeBuffer _move, _gain, _output;                 // Ā − 1, B̄, 2C: blocks of (M, 2, 16 features)
    private readonly NativeBuffer _along, _correction;                   // P and (2/Δ − Λ)⁻¹P: (R, blocks, M, 2, 16)
    private readonly NativeBuffer _inverse, _skip;                       // (I + 2·Re P*(2/Δ − Λ)⁻¹P)⁻¹: (R, R, blocks, 16); D

    public StateSpaceCell(StateSpaceSpec spec, WeightSource weights)
    {
        _spec = spec;
        int rank = spec.Rank, pairs = spec.Pairs;
        NativeBuffer Planes(int count) => NativeBuffer.OfFloats((long)count * Blocks * pairs * 2 * Lanes);
        (_move, _gain, _output, _along, _correction) = (Planes(1), Planes(1), Planes(1), Planes(rank), Planes(rank));
        _inverse = NativeBuffer.OfFloats((long)rank * rank * Blocks * Lanes);
        _skip = weights.Vector(spec.Skip, spec.Features);
        weights.Fill(() => Load(weights));
    }

    /// <summary>Blocks of sixteen features.</summary>
    public int Blocks => (_spec.Features + Lanes - 1) / Lanes;

    /// <summary>Numbers of state a feature holds: M complex ones, then 2·Re P*x for each rank.</summary>
    public int Inner => 2 * _spec.Pairs + _spec.Rank;

    public long Bytes => _move.Bytes + _gain.Bytes + _output.Bytes + _along.Bytes + _correction.Bytes + _inverse.Bytes + _skip.Bytes;

    /// <summary>One block of features through M rows. <paramref name="u"/> and <paramref name="y"/> point at the block's first feature;
    /// sixteen inputs are read, <paramref name="count"/> outputs written. They may be the same.</summary>
    /// <param name="state">(Inner, 16).</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Forward(int block, int m, float* u, int uStride, float* y, int yStride, int count, float* state)
    {
        var planes = (long)_spec.Pairs * 2 * Lanes;
        float* move = _move.Floats + block * planes,
            gain = _gain.Floats + block * planes,
            output = _output.Floats + block * planes;
        float* along = _along.Floats + block * planes,
            correction = _correction.Floats + block * planes,
            inverse = _inverse.Floats + block * Lanes;
        var skip = Vector512.Load(_skip.Floats + block * Lanes);
        for (var t = 0; t < m; t++, u += uStride, y += yStride)
        {
            var input = Vector512.Load(u);
            var sum = skip * input;
            if (_spec.Rank > 0) Turn(input, state, move, gain, along, correction, inverse);
            for (var n = 0; n < planes; n += 2 * Lanes)
            {
                Vector512<float> re, im;
                if (_spec.Rank == 0) (re, im) = Move(input, state + n, move + n, gain + n);
                else (re, im) = Correct(Vector512.Load(state + n), Vector512.Load(state + n + Lanes), state + planes, correction + n);
                re.Store(state + n);
                im.Store(state + n + Lanes);
                sum = Vector512.FusedMultiplyAdd(re, Vector512.Load(output + n), sum);
                sum = Vector512.FusedMultiplyAdd(-im, Vector512.Load(output + n + Lanes), sum);
            }
            VectorMath16.Store(sum, y, count);
        }
    }

    public void Dispose()
    {
        foreach (var buffer in (NativeBuffer[])[_move, _gain, _output, _along, _correction, _inverse, _skip]) buffer.Dispose();
    }

    /// <summary>Ā·x + B̄·u without the low-rank part.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> Re, Vector512<float> Im) Move(Vector512<float> u, float* x, float* move, float* gain)
    {
        Vector512<float> xr = Vector512.Load(x),
            xi = Vector512.Load(x + Lanes),
            mr = Vector512.Load(move),
            mi = Vector512.Load(move + Lanes);
        var re = Vector512.FusedMultiplyAdd(mr, xr, Vector512.FusedMultiplyAdd(Vector512.Load(gain), u, -(mi * xi)));
        var im = Vector512.FusedMultiplyAdd(mr, xi, Vector512.FusedMultiplyAdd(Vector512.Load(gain + Lanes), u, mi * xr));
        return (xr + re, xi + im);
    }

    /// <summary>x ← Ā·x + B̄·u − q·t with q = (2/Δ − Λ)⁻¹P, then t ← (I + 2·Re P*q)⁻¹·2·Re P*x, which the second correction
    /// takes.</summary>
    private void Turn(Vector512<float> u, float* state, float* move, float* gain, float* along, float* correction, float* inverse)
    {
        var planes = (long)_spec.Pairs * 2 * Lanes;
        var (otherRank, row) = (planes * Blocks, (long)Blocks * Lanes);
        var kept = state + planes;
        Vector512<float> first = default, second = default;
        for (var n = 0; n < planes; n += 2 * Lanes)
        {
            var (re, im) = Move(u, state + n, move + n, gain + n);
            (re, im) = Correct(re, im, kept, correction + n);
            re.Store(state + n);
            im.Store(state + n + Lanes);
            first += re * Vector512.Load(along + n) + im * Vector512.Load(along + n + Lanes);
            if (_spec.Rank == 1) continue;
            second += re * Vector512.Load(along + otherRank + n) + im * Vector512.Load(along + otherRank + n + Lanes);
        }
        (first, second) = (first + first, second + second);
        if (_spec.Rank == 1)
        {
            (first * Vector512.Load(inverse)).Store(kept);
            return;
        }
        (first * Vector512.Load(inverse) + second * Vector512.Load(inverse + row)).Store(kept);
        (first * Vector512.Load(inverse + 2 * row) + second * Vector512.Load(inverse + 3 * row)).Store(kept + Lanes);
    }

    /// <summary>x − q·t.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private (Vector512<float> Re, Vector512<float> Im) Correct(Vector512<float> re, Vector512<float> im, float* kept, float* correction)
    {
        var otherRank = (long)_spec.Pairs * 2 * Lanes * Blocks;
        for (var r = 0; r < _spec.Rank; r++, kept += Lanes, correction += otherRank)
        {
            var t = -Vector512.Load(kept);
            re = Vector512.FusedMultiplyAdd(t, Vector512.Load(correction), re);
            im = Vector512.FusedMultiplyAdd(t, Vector512.Load(correction + Lanes), im);
        }
        return (re, im);
    }

    private void Load(WeightSource weights)
    {
        int rank = _spec.Rank, pairs = _spec.Pairs;
        var cells = (long)_spec.Features * pairs;
        ReadOnlySpan<float> decay = weights.Tensor(_spec.LogDecay, cells).Span,
            frequency = weights.Tensor(_spec.Frequency, cells).Span;
        ReadOnlySpan<float> logStep = weights.Tensor(_spec.LogStep, _spec.Features).Span,
            lowRank = rank > 0 ? weights.Tensor(_spec.LowRank, rank * cells * 2).Span : [];
        ReadOnlySpan<float> input = weights.Tensor(_spec.Input, cells * 2).Span,
            output = weights.Tensor(_spec.Output, cells * 2).Span;
        var bilinear = _spec.Discretization == Discretization.Bilinear;
        var coupling = new double[2, 2];
        for (var h = 0; h < _spec.Features; h++)
        {
            var step = Math.Exp(logStep[h]);
            Array.Clear(coupling);
            for (var n = 0; n < pairs; n++)
            {
                var cell = h * pairs + n;
                var a = new Complex(-Math.Exp(decay[cell]), frequency[cell]);
                var resolvent = 1 / (2 / step - a);
                var move = bilinear ? 2 * a * resolvent : Expm1(a * step);
                Put(_move, 0, h, n, move);
                Put(_gain, 0, h, n, Pair(input, cell) * (bilinear ? 2 * resolvent : move / a));
                Put(_output, 0, h, n, 2 * Pair(output, cell));
                for (var r = 0; r < rank; r++)
                {
                    var p = Pair(lowRank, (int)(r * cells) + cell);
                    Put(_along, r, h, n, p);
                    Put(_correction, r, h, n, p * resolvent);
                    for (var s = 0; s < rank; s++)
                        coupling[s, r] += 2 * (Complex.Conjugate(Pair(lowRank, (int)(s * cells) + cell)) * p * resolvent).Real;
                }
            }
            double first = 1 + coupling[0, 0], second = 1 + coupling[1, 1], determinant = first * second - coupling[0, 1] * coupling[1, 0];
            double[] inverse = rank == 2 ? [second, -coupling[0, 1], -coupling[1, 0], first] : [second];
            for (var i = 0; i < rank * rank; i++)
                _inverse.Floats[(i * Blocks + h / Lanes) * Lanes + h % Lanes] = (float)(inverse[i] / determinant);
        }
    }

    private void Put(NativeBuffer planes, int rank, int h, int n, Complex value)
    {
        var at = planes.Floats + (((long)rank * Blocks + h / Lanes) * _spec.Pairs + n) * 2 * Lanes + h % Lanes;
        (at[0], at[Lanes]) = ((float)value.Real, (float)value.Imaginary);
    }

    private static Complex Pair(ReadOnlySpan<float> pairs, int cell) => new(pairs[2 * cell], pairs[2 * cell + 1]);

    // e^z − 1 without the loss of digits near 0; e^x − 1 = 2·e^(x/2)·sinh(x/2).
    private static Complex Expm1(Complex z)
    {
        var sine = Math.Sin(z.Imaginary / 2);
        var real = 2 * Math.Exp(z.Real / 2) * Math.Sinh(z.Real / 2);
        return new(real * Math.Cos(z.Imaginary) - 2 * sine * sine, Math.Exp(z.Real) * Math.Sin(z.Imaginary));
    }
}
