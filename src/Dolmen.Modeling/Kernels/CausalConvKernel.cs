// B batch, T sequence, I channels, K kernel width, W vector width, C positions of a chunk
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

internal readonly record struct ConvShape(int Batch, int Length, int Channels, int Width, bool Silu, Segments? Segments = null)
{
    public Sequences Sequences => new(Batch, Length, Segments);
}

/// <summary>y[t] = Σₖ w[k]·x[t−K+1+k] + bias for every channel by itself, then silu if asked. Vectors run over channels; a chunk of
/// positions of one vector is widened to fp32 in the first-level cache and read from there K times.</summary>
internal static unsafe class CausalConvKernel
{
    private const int Chunk = 64;

    /// <summary>x, y (B, T, I), weight (I, K), bias (I) or null.</summary>
    public static void Forward<E>(E* x, float* weight, float* bias, E* y, ConvShape shape) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Forward<Lanes512, Vector512<float>, E>(x, weight, bias, y, shape);
        else Forward<Lanes256, Vector256<float>, E>(x, weight, bias, y, shape);
    }

    public static void Backward<E>(E* x, float* weight, float* bias, E* dy, E* dx, float* dWeight, float* dBias, ConvShape shape)
        where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Backward<Lanes512, Vector512<float>, E>(x, weight, bias, dy, dx, dWeight, dBias, shape);
        else Backward<Lanes256, Vector256<float>, E>(x, weight, bias, dy, dx, dWeight, dBias, shape);
    }

    internal static void Forward<S, V, E>(E* x, float* weight, float* bias, E* y, ConvShape shape)
        where S : ILanes<V> where V : struct where E : unmanaged =>
        OpenMpTeam.RunChunks(new ChannelSplit(shape.Sequences.Count, shape.Channels, S.Width).Items, 1,
            (start, end) => ForwardItems<S, V, E>(x, weight, bias, y, shape, start, end));

    internal static void Backward<S, V, E>(E* x, float* weight, float* bias, E* dy, E* dx, float* dWeight, float* dBias, ConvShape shape)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        var split = new ChannelSplit(shape.Sequences.Count, shape.Channels, S.Width);
        var (lanes, rows) = (split.Vectors * S.Width, shape.Width + 1);
        using var memory = new AlignedFloats((long)split.Batch * rows * lanes);
        var partial = memory.Take((long)split.Batch * rows * lanes);            // (sequences, vectors, K+1, W): weights, then bias
        OpenMpTeam.RunChunks(split.Items, 1, (start, end) => BackwardItems<S, V, E>(x, weight, bias, dy, dx, partial, shape, start, end));
        for (var channel = 0; channel < shape.Channels; channel++)
        {
            for (var k = 0; k < rows; k++)
            {
                var sum = 0f;
                for (var sequence = 0; sequence < split.Batch; sequence++)
                    sum += partial[((long)sequence * split.Vectors + channel / S.Width) * rows * S.Width + k * S.Width + channel % S.Width];
                if (k < shape.Width) dWeight[channel * shape.Width + k] = sum;
                else if (dBias != null) dBias[channel] = sum;
            }
        }
    }

    // Methods of their own: what a lambda captures lives on the heap and would be read again at every turn of the loop.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardItems<S, V, E>(E* x, float* weight, float* bias, E* y, ConvShape shape, long start, long end)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        var split = new ChannelSplit(shape.Sequences.Count, shape.Channels, S.Width);
        var (taps, rows) = (shape.Width * S.Width, shape.Width + 1);
        using var memory = new AlignedFloats(split.VectorsPerGroup * rows * S.Width + (Chunk + shape.Width) * S.Width);
        float* filters = memory.Take(split.VectorsPerGroup * rows * S.Width), xs = memory.Take((Chunk + shape.Width) * S.Width);
        for (var item = start; item < end; item++)
        {
            var (sequence, _, first, last) = split.Item(item);
            var (position, extent, _) = shape.Sequences[sequence];
            for (var vector = first; vector < last; vector++)
                LoadFilter<S, V>(weight, bias, filters + (vector - first) * rows * S.Width, vector * S.Width, shape);
            for (var begin = 0; begin < extent; begin += Chunk)
            {
                var length = Math.Min(Chunk, extent - begin);
                for (var vector = first; vector < last; vector++)
                {
                    var at = vector * S.Width;
                    var filter = filters + (vector - first) * rows * S.Width;
                    var left = shape.Channels - at;
                    var origin = position * shape.Channels + at;
                    LoadColumn<S, V, E>(x + origin, xs, left, begin - shape.Width + 1, begin + length, shape);
                    var shift = S.LoadFull(filter + taps);
                    for (var t = 0; t < length; t++)
                    {
                        var value = Convolve<S, V>(filter, xs + t * S.Width, shift, taps);
                        if (shape.Silu) value = S.Multiply(value, Activation.Sigmoid<S, V>(value));
                        Lanes.Store<S, V, E>(y + origin + (long)(begin + t) * shape.Channels, left, value);
                    }
                }
            }
        }
    }

    // With dp = dy·silu'(p):  dx[t] = Σₖ w[k]·dp[t+K−1−k],  dw[k] = Σₜ dp[t]·x[t−K+1+k],  dbias = Σₜ dp[t].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardItems<S, V, E>(
        E* x,
        float* weight,
        float* bias,
        E* dy,
        E* dx,
        float* partial,
        ConvShape shape,
        long start,
        long end
    )
        where S : ILanes<V>
        where V : struct
        where E : unmanaged
    {
        var split = new ChannelSplit(shape.Sequences.Count, shape.Channels, S.Width);
        var (taps, rows, halo) = (shape.Width * S.Width, shape.Width + 1, shape.Width - 1);
        using var memory = new AlignedFloats((split.VectorsPerGroup * rows + shape.Width + 2 * (Chunk + 2 * shape.Width)) * S.Width);
        float* filters = memory.Take(split.VectorsPerGroup * rows * S.Width), flipped = memory.Take(taps);
        float* xs = memory.Take((Chunk + 2 * shape.Width) * S.Width), flows = memory.Take((Chunk + 2 * shape.Width) * S.Width);
        for (var item = start; item < end; item++)
        {
            var (sequence, _, first, last) = split.Item(item);
            var (position, extent, _) = shape.Sequences[sequence];
            for (var vector = first; vector < last; vector++)
                LoadFilter<S, V>(weight, bias, filters + (vector - first) * rows * S.Width, vector * S.Width, shape);
            var sums = partial + ((long)sequence * split.Vectors + first) * rows * S.Width;
            new Span<float>(sums, (last - first) * rows * S.Width).Clear();
            for (var begin = 0; begin < extent; begin += Chunk)
            {
                var length = Math.Min(Chunk, extent - begin);
                var reach = Math.Min(length + halo, extent - begin);      // dx looks ahead into the next chunk
                for (var vector = first; vector < last; vector++)
                {
                    var (at, own) = (vector * S.Width, (vector - first) * rows * S.Width);
                    float* filter = filters + own, sum = sums + own;
                    var left = shape.Channels - at;
                    var origin = position * shape.Channels + at;
                    LoadColumn<S, V, E>(x + origin, xs, left, begin - halo, begin + reach, shape);
                    var shift = S.LoadFull(filter + taps);
                    for (var t = 0; t < reach; t++)
                    {
                        var flow = Lanes.Load<S, V, E>(dy + origin + (long)(begin + t) * shape.Channels, left);
                        if (shape.Silu)
                        {
                            var value = Convolve<S, V>(filter, xs + t * S.Width, shift, taps);
                            flow = S.Multiply(flow, Activation.SiluSlope<S, V>(value, Activation.Sigmoid<S, V>(value)));
                        }
                        S.StoreFull(flows + t * S.Width, flow);
                    }
                    new Span<float>(flows + reach * S.Width, (length + halo - reach) * S.Width).Clear();
                    for (var k = 0; k < taps; k += S.Width) S.StoreFull(flipped + halo * S.Width - k, S.LoadFull(filter + k));
                    for (var t = 0; t < length; t++)
                    {
                        var value = Convolve<S, V>(flipped, flows + t * S.Width, S.Create(0), taps);
                        Lanes.Store<S, V, E>(dx + origin + (long)(begin + t) * shape.Channels, left, value);
                    }
                    for (var k = 0; k < taps; k += S.Width) S.StoreFull(sum + k, Dot<S, V>(flows, xs + k, S.LoadFull(sum + k), length));
                    var total = S.LoadFull(sum + taps);
                    for (var t = 0; t < length; t++) total = S.Add(total, S.LoadFull(flows + t * S.Width));
                    S.StoreFull(sum + taps, total);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Convolve<S, V>(float* filter, float* window, V start, int taps) where S : ILanes<V> where V : struct
    {
        if (taps == 4 * S.Width)                                                // Mamba's width, unrolled
        {
            var early = S.MultiplyAdd(S.LoadFull(filter), S.LoadFull(window), start);
            early = S.MultiplyAdd(S.LoadFull(filter + S.Width), S.LoadFull(window + S.Width), early);
            var late = S.Multiply(S.LoadFull(filter + 2 * S.Width), S.LoadFull(window + 2 * S.Width));
            late = S.MultiplyAdd(S.LoadFull(filter + 3 * S.Width), S.LoadFull(window + 3 * S.Width), late);
            return S.Add(early, late);
        }
        for (var k = 0; k < taps; k += S.Width) start = S.MultiplyAdd(S.LoadFull(filter + k), S.LoadFull(window + k), start);
        return start;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Dot<S, V>(float* a, float* b, V start, int length) where S : ILanes<V> where V : struct
    {
        var (even, odd) = (start, S.Create(0));
        var t = 0;
        for (; t + 1 < length; t += 2)
        {
            even = S.MultiplyAdd(S.LoadFull(a + t * S.Width), S.LoadFull(b + t * S.Width), even);
            odd = S.MultiplyAdd(S.LoadFull(a + (t + 1) * S.Width), S.LoadFull(b + (t + 1) * S.Width), odd);
        }
        if (t < length) even = S.MultiplyAdd(S.LoadFull(a + t * S.Width), S.LoadFull(b + t * S.Width), even);
        return S.Add(even, odd);
    }

    /// <summary>(K+1, W): the filters of the channels from <paramref name="at"/> on, then their biases.</summary>
    private static void LoadFilter<S, V>(float* weight, float* bias, float* filter, int at, ConvShape shape)
        where S : ILanes<V>
        where V : struct
    {
        for (var lane = 0; lane < S.Width; lane++)
        {
            var inside = at + lane < shape.Channels;
            for (var k = 0; k < shape.Width; k++) filter[k * S.Width + lane] = inside ? weight[(at + lane) * shape.Width + k] : 0;
            filter[shape.Width * S.Width + lane] = inside && bias != null ? bias[at + lane] : 0;
        }
    }

    /// <summary>Positions [from, end) of one vector of channels in fp32, zeros before the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LoadColumn<S, V, E>(E* column, float* to, int left, int from, int end, ConvShape shape)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        for (var t = from; t < end; t++)
            S.StoreFull(to + (t - from) * S.Width, t < 0 ? S.Create(0) : Lanes.Load<S, V, E>(column + (long)t * shape.Channels, left));
    }
}
