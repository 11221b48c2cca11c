// H features, N state (one of each conjugate pair), R rank
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Dolmen.Inference.Mixers;

/// <summary>H state spaces x' = A·x + B·u, y = 2·Re C·x + D·u as a checkpoint holds them: A = −exp(LogDecay) + i·Frequency − Σᵣ PᵣPᵣ*,
/// steps of exp(LogStep).</summary>
/// <param name="LogDecay">(H, N); likewise <paramref name="Frequency"/>.</param>
/// <param name="LogStep">(H); likewise <paramref name="Skip"/>, D.</param>
/// <param name="Input">B, (H, N, 2); likewise <paramref name="Output"/>, C.</param>
/// <param name="LowRank">P, (R, H, N, 2); empty for a diagonal A (S4D).</param>
/// <param name="Bilinear">The trapezoid rule, which a low-rank part needs; else exact for an input held between steps.</param>
public sealed record StateSpaceParameters(
    int Features, int State, float[] LogDecay, float[] Frequency, float[] LogStep, float[] Input, float[] Output, float[] Skip, float[] LowRank,
    bool Bilinear);

/// <summary>
/// S4 and S4D one token at a time (Gu et al. 2022): x ← Ā·x + B̄·u, y = 2·Re C·x + D·u in O(N) a feature. The trapezoid step of a
/// diagonal-plus-low-rank A is a diagonal one with two corrections along P, and the second of them, 2·Re P*x, is the first of the next step:
/// it belongs to the state. Kept is Ā − 1, not Ā, so that slow modes lose nothing to rounding.
/// </summary>
public sealed unsafe class StateSpaceRecurrence
{
    private readonly int _features, _state, _rank;
    private readonly float[] _move, _gain, _output, _skip;              // Ā − 1, B̄, 2C: a plane of real parts and one of imaginary parts for each n, (N, 2, H)
    private readonly float[] _along, _correction, _inverse;             // P and (2/Δ − Λ)⁻¹P as (R, N, 2, H); (I + 2·Re P*(2/Δ − Λ)⁻¹P)⁻¹ as (R, R, H)

    public StateSpaceRecurrence(StateSpaceParameters parameters)
    {
        (_features, _state) = (parameters.Features, parameters.State);
        var cells = _features * _state;
        if (cells == 0 || parameters.LowRank.Length % (2 * cells) != 0)
            throw new ArgumentException($"The low-rank part has {parameters.LowRank.Length} numbers: it must be a multiple of {2 * cells}.", nameof(parameters));
        _rank = parameters.LowRank.Length / (2 * cells);
        if (_rank > 2) throw new ArgumentException($"The low-rank part has rank {_rank}: it must be 0, 1 or 2.", nameof(parameters));
        if (_rank > 0 && !parameters.Bilinear) throw new ArgumentException("A low-rank part needs the bilinear step.", nameof(parameters));
        (_move, _gain, _output, _skip) = (new float[2 * cells], new float[2 * cells], new float[2 * cells], parameters.Skip);
        (_along, _correction, _inverse) = (new float[2 * _rank * cells], new float[2 * _rank * cells], new float[_rank * _rank * _features]);
        for (var h = 0; h < _features; h++)
        {
            var step = Math.Exp(parameters.LogStep[h]);
            var coupling = new double[2, 2];
            for (var n = 0; n < _state; n++)
            {
                var cell = h * _state + n;
                var a = new Complex(-Math.Exp(parameters.LogDecay[cell]), parameters.Frequency[cell]);
                var resolvent = 1 / (2 / step - a);
                var move = parameters.Bilinear ? 2 * a * resolvent : Expm1(a * step);
                var gain = Pair(parameters.Input, cell) * (parameters.Bilinear ? 2 * resolvent : move / a);
                Put(_move, n, h, move);
                Put(_gain, n, h, gain);
                Put(_output, n, h, 2 * Pair(parameters.Output, cell));
                for (var r = 0; r < _rank; r++)
                {
                    var p = Pair(parameters.LowRank, r * cells + cell);
                    Put(_along, r * _state + n, h, p);
                    Put(_correction, r * _state + n, h, p * resolvent);
                    for (var s = 0; s < _rank; s++) coupling[s, r] += 2 * (Complex.Conjugate(Pair(parameters.LowRank, s * cells + cell)) * p * resolvent).Real;
                }
            }
            double first = 1 + coupling[0, 0], second = 1 + coupling[1, 1], determinant = first * second - coupling[0, 1] * coupling[1, 0];
            double[] inverse = _rank == 2 ? [second, -coupling[0, 1], -coupling[1, 0], first] : [second];
            for (var i = 0; i < _rank * _rank; i++) _inverse[i * _features + h] = (float)(inverse[i] / determinant);
        }
    }

    /// <summary>Numbers of state a sequence holds.</summary>
    public int StateSize => (2 * _state + _rank) * _features;

    /// <summary>One step: u (H), y (H); <paramref name="state"/> starts as zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Step(ReadOnlySpan<float> u, Span<float> state, Span<float> y)
    {
        if (u.Length != _features || y.Length != _features || state.Length != StateSize)
            throw new ArgumentException($"A step of {_features} features got {u.Length} inputs, {y.Length} outputs and {state.Length} numbers of state; it takes {StateSize}.", nameof(u));
        fixed (float* input = u, x = state, result = y, move = _move, gain = _gain, output = _output, along = _along, correction = _correction, inverse = _inverse, skip = _skip)
        {
            var kept = x + 2 * _state * _features;                      // 2·Re P*x, (R, H)
            var h = 0;
            for (; h + Vector<float>.Count <= _features; h += Vector<float>.Count)
            {
                var value = Vector.Load(input + h);
                var sum = Vector.Load(skip + h) * value;
                if (_rank > 0) Turn(h, value, x, kept, move, gain, along, correction, inverse);
                for (var n = 0; n < _state; n++)
                {
                    var at = 2 * n * _features + h;
                    Vector<float> re, im;
                    if (_rank == 0) Move(at, value, x, move, gain, out re, out im);
                    else Correct(at, h, x, kept, correction, out re, out im);
                    sum = Vector.FusedMultiplyAdd(re, Vector.Load(output + at), sum);
                    sum -= im * Vector.Load(output + at + _features);
                }
                sum.Store(result + h);
            }
            for (; h < _features; h++) result[h] = StepOne(h, input[h], x, kept);
        }
    }

    /// <summary>x ← Ā·x + B̄·u of one plane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Move(int at, Vector<float> u, float* x, float* move, float* gain, out Vector<float> re, out Vector<float> im)
    {
        Vector<float> xr = Vector.Load(x + at), xi = Vector.Load(x + at + _features), mr = Vector.Load(move + at), mi = Vector.Load(move + at + _features);
        re = xr + Vector.FusedMultiplyAdd(mr, xr, Vector.FusedMultiplyAdd(Vector.Load(gain + at), u, -(mi * xi)));
        im = xi + Vector.FusedMultiplyAdd(mr, xi, Vector.FusedMultiplyAdd(Vector.Load(gain + at + _features), u, mi * xr));
        re.Store(x + at);
        im.Store(x + at + _features);
    }

    /// <summary>The diagonal step with the first correction, and in <paramref name="kept"/> what the second one takes: x ← Ā·x + B̄·u − q·t,
    /// t ← (I + 2·Re P*q)⁻¹·2·Re P*x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Turn(int h, Vector<float> u, float* x, float* kept, float* move, float* gain, float* along, float* correction, float* inverse)
    {
        Vector<float> first = Vector<float>.Zero, second = Vector<float>.Zero;
        for (var n = 0; n < _state; n++)
        {
            var at = 2 * n * _features + h;
            Move(at, u, x, move, gain, out var re, out var im);
            for (var r = 0; r < _rank; r++)
            {
                var t = Vector.Load(kept + r * _features + h);
                re -= t * Vector.Load(correction + r * 2 * _state * _features + at);
                im -= t * Vector.Load(correction + r * 2 * _state * _features + at + _features);
            }
            re.Store(x + at);
            im.Store(x + at + _features);
            first += re * Vector.Load(along + at) + im * Vector.Load(along + at + _features);
            if (_rank == 1) continue;
            var other = 2 * _state * _features + at;
            second += re * Vector.Load(along + other) + im * Vector.Load(along + other + _features);
        }
        (first, second) = (first + first, second + second);
        if (_rank == 1)
        {
            (first * Vector.Load(inverse + h)).Store(kept + h);
            return;
        }
        (first * Vector.Load(inverse + h) + second * Vector.Load(inverse + _features + h)).Store(kept + h);
        (first * Vector.Load(inverse + 2 * _features + h) + second * Vector.Load(inverse + 3 * _features + h)).Store(kept + _features + h);
    }

    /// <summary>The second correction of one plane: x ← x − q·t.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Correct(int at, int h, float* x, float* kept, float* correction, out Vector<float> re, out Vector<float> im)
    {
        (re, im) = (Vector.Load(x + at), Vector.Load(x + at + _features));
        for (var r = 0; r < _rank; r++)
        {
            var t = Vector.Load(kept + r * _features + h);
            re -= t * Vector.Load(correction + r * 2 * _state * _features + at);
            im -= t * Vector.Load(correction + r * 2 * _state * _features + at + _features);
        }
        re.Store(x + at);
        im.Store(x + at + _features);
    }

    // The features left over at the end of a vector, and what the vectors are checked against.
    private float StepOne(int h, float u, float* x, float* kept)
    {
        var (plane, sum) = (2 * _state * _features, _skip[h] * u);
        float first = 0, second = 0;
        for (var n = 0; n < _state; n++)
        {
            int re = 2 * n * _features + h, im = re + _features;
            (x[re], x[im]) = (
                x[re] + _move[re] * x[re] - _move[im] * x[im] + _gain[re] * u, x[im] + _move[re] * x[im] + _move[im] * x[re] + _gain[im] * u);
            for (var r = 0; r < _rank; r++)
            {
                x[re] -= kept[r * _features + h] * _correction[r * plane + re];
                x[im] -= kept[r * _features + h] * _correction[r * plane + im];
            }
            if (_rank > 0) first += 2 * (x[re] * _along[re] + x[im] * _along[im]);
            if (_rank > 1) second += 2 * (x[re] * _along[plane + re] + x[im] * _along[plane + im]);
        }
        if (_rank == 1) kept[h] = first * _inverse[h];
        if (_rank == 2)
        {
            kept[h] = first * _inverse[h] + second * _inverse[_features + h];
            kept[_features + h] = first * _inverse[2 * _features + h] + second * _inverse[3 * _features + h];
        }
        for (var n = 0; n < _state; n++)
        {
            int re = 2 * n * _features + h, im = re + _features;
            for (var r = 0; r < _rank; r++)
            {
                x[re] -= kept[r * _features + h] * _correction[r * plane + re];
                x[im] -= kept[r * _features + h] * _correction[r * plane + im];
            }
            sum += x[re] * _output[re] - x[im] * _output[im];
        }
        return sum;
    }

    private void Put(float[] planes, int n, int h, Complex value) =>
        (planes[2 * n * _features + h], planes[(2 * n + 1) * _features + h]) = ((float)value.Real, (float)value.Imaginary);

    private static Complex Pair(float[] pairs, int cell) => new(pairs[2 * cell], pairs[2 * cell + 1]);

    // e^z − 1 without the loss of digits near 0; e^x − 1 = 2·e^(x/2)·sinh(x/2).
    private static Complex Expm1(Complex z)
    {
        var sine = Math.Sin(z.Imaginary / 2);
        var real = 2 * Math.Exp(z.Real / 2) * Math.Sinh(z.Real / 2);
        return new(real * Math.Cos(z.Imaginary) - 2 * sine * sine, Math.Exp(z.Real) * Math.Sin(z.Imaginary));
    }
}
