// B batch, T sequence, I inner channels, N states a channel, W vector width, C positions of a chunk
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

// Chunks from last to first. Inside one, h and exp(Δ·A) of four states are computed again from the kept border into the first-level cache,
// then walked backwards: with g the gradient of h,
//   g ← g + dy·c,  dc = Σ channels dy·h,  db = Σ channels g·Δ·x,  d(Δ·x) = Σ g·b,  d(Δ·A) = g·exp(Δ·A)·h₋₁,  g ← g·exp(Δ·A).
internal static unsafe partial class SelectiveScanKernel
{
    public static void Backward<E>(ScanArrays<E> input, float* kept, E* dy, ScanArrays<E> gradients, ScanShape shape) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Backward<Lanes512, Vector512<float>, E>(input, kept, dy, gradients, shape);
        else Backward<Lanes256, Vector256<float>, E>(input, kept, dy, gradients, shape);
    }

    internal static void Backward<S, V, E>(ScanArrays<E> input, float* kept, E* dy, ScanArrays<E> gradients, ScanShape shape)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        var split = new ChannelSplit(shape.Sequences.Count, shape.Inner, S.Width);
        var rows = (long)shape.Batch * shape.Length;
        var perGroup = rows * shape.States;
        using var memory = new AlignedFloats(2 * split.Groups * perGroup + (long)split.Batch * shape.Inner * (shape.States + 1));
        float* db = memory.Take(split.Groups * perGroup), dc = memory.Take(split.Groups * perGroup);               // (groups, B, T, N)
        float* dA = memory.Take((long)split.Batch * shape.Inner * shape.States), dd = memory.Take((long)split.Batch * shape.Inner);
        // a sequence: dA (I, N), dd (I)
        var partial = new ScanArrays<float>
        {
            B = db,
            C = dc,
            ALog = dA,
            D = dd,
        };
        OpenMpTeam.RunChunks(
            split.Items,
            1,
            (start, end) => BackwardItems<S, V, E>(input, kept, dy, gradients, partial, shape, start, end)
        );
        OpenMpTeam.RunChunks(
            perGroup,
            1 << 12,
            (start, end) =>
            {
                SumParts<S, V, E>(db, gradients.B, split.Groups, perGroup, start, end);
                SumParts<S, V, E>(dc, gradients.C, split.Groups, perGroup, start, end);
            }
        );
        var rates = (long)shape.Inner * shape.States;
        SumParts<S, V, float>(dA, gradients.ALog, split.Batch, rates, 0, rates);
        SumParts<S, V, float>(dd, gradients.D, split.Batch, shape.Inner, 0, shape.Inner);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardItems<S, V, E>(
        ScanArrays<E> input, float* kept, E* dy, ScanArrays<E> gradients, ScanArrays<float> partial, ScanShape shape, long start, long end)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        var split = new ChannelSplit(shape.Sequences.Count, shape.Inner, S.Width);
        var (sequences, inner, n) = (shape.Sequences, shape.Inner, shape.RoundedStates);
        var statesSize = n * S.Width;
        const int Line = ScanShape.Chunk;
        var groupSize = split.VectorsPerGroup * (long)statesSize;
        using var memory = new AlignedFloats(
            3 * groupSize
                + split.VectorsPerGroup * S.Width
                + 8 * Line * S.Width
                + 2 * Line * n
                + 2 * Line * statesSize
                + (2 * Line + 1) * ScanShape.Tile * S.Width
                + 16
        );
        // flow: gradient of h from the right
        float* rates = memory.Take(groupSize), flows = memory.Take(groupSize), dRates = memory.Take(groupSize);
        var walk = new Walk
        {
            Steps = memory.Take(Line * S.Width),
            Drives = memory.Take(Line * S.Width),
            Dy = memory.Take(Line * S.Width),
            Sums = memory.Take(Line * S.Width),
            DDrives = memory.Take(Line * S.Width),
            DExponents = memory.Take(Line * S.Width),
            B = memory.Take(Line * n),
            C = memory.Take(Line * n),
            DB = memory.Take(Line * statesSize),
            DC = memory.Take(Line * statesSize),
            Decays = memory.Take(Line * ScanShape.Tile * S.Width),
            States = memory.Take((Line + 1) * ScanShape.Tile * S.Width),
            N = n,
        };
        float* xs = memory.Take(Line * S.Width), gates = memory.Take(Line * S.Width);
        var skips = memory.Take(split.VectorsPerGroup * S.Width);
        for (var item = start; item < end; item++)
        {
            var (sequence, group, first, last) = split.Item(item);
            var (position, extent, firstChunk) = sequences[sequence];
            for (var vector = first; vector < last; vector++)
                LoadRates<S, V>(input.ALog, rates + (vector - first) * statesSize, vector * S.Width, shape);
            new Span<float>(flows, (last - first) * statesSize).Clear();
            new Span<float>(dRates, (last - first) * statesSize).Clear();
            new Span<float>(skips, (last - first) * S.Width).Clear();
            for (var chunk = Sequences.ChunksOf(extent) - 1; chunk >= 0; chunk--)
            {
                var row = position + chunk * Line;
                walk.Length = Math.Min(Line, extent - chunk * Line);
                LoadRows(input.B + row * shape.States, walk.B, walk.Length, shape);
                LoadRows(input.C + row * shape.States, walk.C, walk.Length, shape);
                new Span<float>(walk.DB, Line * statesSize).Clear();
                new Span<float>(walk.DC, Line * statesSize).Clear();
                for (var vector = first; vector < last; vector++)
                {
                    var (at, own) = (vector * S.Width, (vector - first) * statesSize);
                    var left = inner - at;
                    var skip = Lanes.Load<S, V, float>(input.D + at, left);
                    var dSkip = S.LoadFull(skips + (vector - first) * S.Width);
                    for (var t = 0; t < walk.Length; t++)
                    {
                        var offset = (row + t) * inner + at;
                        var (x, flow) = (Lanes.Load<S, V, E>(input.X + offset, left), Lanes.Load<S, V, E>(dy + offset, left));
                        var step = Activation.Softplus<S, V>(Lanes.Load<S, V, E>(input.Delta + offset, left));
                        S.StoreFull(xs + t * S.Width, x);
                        S.StoreFull(walk.Steps + t * S.Width, step);
                        S.StoreFull(walk.Drives + t * S.Width, S.Multiply(step, x));
                        S.StoreFull(walk.Sums + t * S.Width, S.Multiply(skip, x));
                        if (input.Gate != null)
                        {
                            var gate = Lanes.Load<S, V, E>(input.Gate + offset, left);
                            var sigmoid = Activation.Sigmoid<S, V>(gate);
                            S.StoreFull(gates + t * S.Width, S.Multiply(flow, Activation.SiluSlope<S, V>(gate, sigmoid)));
                            flow = S.Multiply(flow, S.Multiply(gate, sigmoid));
                        }
                        S.StoreFull(walk.Dy + t * S.Width, flow);
                        S.StoreFull(walk.DDrives + t * S.Width, S.Create(0));
                        S.StoreFull(walk.DExponents + t * S.Width, S.Create(0));
                        dSkip = S.MultiplyAdd(flow, x, dSkip);
                    }
                    S.StoreFull(skips + (vector - first) * S.Width, dSkip);
                    var border = kept + ((firstChunk + chunk) * split.Vectors + vector) * statesSize;
                    for (var i = 0; i < n; i += ScanShape.Tile)
                    {
                        RecomputeTile<S, V>(walk, rates + own + i * S.Width, border + i * S.Width, i);
                        BackwardTile<S, V>(walk, rates + own + i * S.Width, flows + own + i * S.Width, dRates + own + i * S.Width, i);
                    }
                    for (var t = 0; t < walk.Length; t++)
                    {
                        var offset = (row + t) * inner + at;
                        var (dDrive, x) = (S.LoadFull(walk.DDrives + t * S.Width), S.LoadFull(xs + t * S.Width));
                        var dStep = S.MultiplyAdd(
                            dDrive,
                            x,
                            S.Multiply(S.LoadFull(walk.DExponents + t * S.Width), S.Create(Activation.Ln2))
                        );
                        var dx = S.MultiplyAdd(
                            dDrive,
                            S.LoadFull(walk.Steps + t * S.Width),
                            S.Multiply(S.LoadFull(walk.Dy + t * S.Width), skip)
                        );
                        var slope = Activation.Sigmoid<S, V>(Lanes.Load<S, V, E>(input.Delta + offset, left)); // softplus'
                        Lanes.Store<S, V, E>(gradients.X + offset, left, dx);
                        Lanes.Store<S, V, E>(gradients.Delta + offset, left, S.Multiply(dStep, slope));
                        if (input.Gate != null)
                            Lanes.Store<S, V, E>(
                                gradients.Gate + offset,
                                left,
                                S.Multiply(S.LoadFull(gates + t * S.Width), S.LoadFull(walk.Sums + t * S.Width))
                            );
                    }
                }
                var to = ((long)group * shape.Batch * shape.Length + row) * shape.States;
                SumLanes<S, V>(walk.DB, partial.B + to, walk.Length, shape);
                SumLanes<S, V>(walk.DC, partial.C + to, walk.Length, shape);
            }
            for (var vector = first; vector < last; vector++)
                StoreRates<S, V>(
                    rates + (vector - first) * statesSize,
                    dRates + (vector - first) * statesSize,
                    skips + (vector - first) * S.Width,
                    partial,
                    sequence,
                    vector * S.Width,
                    shape
                );
        }
    }

    /// <summary>exp(Δ·A) and h of four states over the chunk, (t, 4, W) each; h begins with the border.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RecomputeTile<S, V>(in Walk walk, float* rates, float* border, int i) where S : ILanes<V> where V : struct
    {
        var (a0, a1, a2, a3) = (
            S.LoadFull(rates),
            S.LoadFull(rates + S.Width),
            S.LoadFull(rates + 2 * S.Width),
            S.LoadFull(rates + 3 * S.Width)
        );
        var (h0, h1, h2, h3) = (
            S.LoadFull(border),
            S.LoadFull(border + S.Width),
            S.LoadFull(border + 2 * S.Width),
            S.LoadFull(border + 3 * S.Width)
        );
        float* steps = walk.Steps,
            drives = walk.Drives,
            decays = walk.Decays,
            states = walk.States,
            b = walk.B + i;
        var (length, n) = (walk.Length, walk.N);
        StoreFour<S, V>(states, h0, h1, h2, h3);
        for (var t = 0; t < length; t++)
        {
            var (step, drive) = (S.LoadFull(steps + t * S.Width), S.LoadFull(drives + t * S.Width));
            var bt = b + t * n;
            var (e0, e1) = (Activation.PowerOfTwo<S, V>(S.Multiply(step, a0)), Activation.PowerOfTwo<S, V>(S.Multiply(step, a1)));
            var (e2, e3) = (Activation.PowerOfTwo<S, V>(S.Multiply(step, a2)), Activation.PowerOfTwo<S, V>(S.Multiply(step, a3)));
            h0 = S.MultiplyAdd(e0, h0, S.Multiply(drive, S.Create(bt[0])));
            h1 = S.MultiplyAdd(e1, h1, S.Multiply(drive, S.Create(bt[1])));
            h2 = S.MultiplyAdd(e2, h2, S.Multiply(drive, S.Create(bt[2])));
            h3 = S.MultiplyAdd(e3, h3, S.Multiply(drive, S.Create(bt[3])));
            StoreFour<S, V>(decays + t * ScanShape.Tile * S.Width, e0, e1, e2, e3);
            StoreFour<S, V>(states + (t + 1) * ScanShape.Tile * S.Width, h0, h1, h2, h3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardTile<S, V>(in Walk walk, float* rates, float* flows, float* dRates, int i)
        where S : ILanes<V>
        where V : struct
    {
        var (a0, a1, a2, a3) = (
            S.LoadFull(rates),
            S.LoadFull(rates + S.Width),
            S.LoadFull(rates + 2 * S.Width),
            S.LoadFull(rates + 3 * S.Width)
        );
        var (g0, g1, g2, g3) = (
            S.LoadFull(flows),
            S.LoadFull(flows + S.Width),
            S.LoadFull(flows + 2 * S.Width),
            S.LoadFull(flows + 3 * S.Width)
        );
        var (r0, r1, r2, r3) = (
            S.LoadFull(dRates),
            S.LoadFull(dRates + S.Width),
            S.LoadFull(dRates + 2 * S.Width),
            S.LoadFull(dRates + 3 * S.Width)
        );
        float* steps = walk.Steps,
            drives = walk.Drives,
            dys = walk.Dy,
            sums = walk.Sums,
            dDrives = walk.DDrives,
            dExponents = walk.DExponents;
        float* decays = walk.Decays,
            states = walk.States,
            b = walk.B + i,
            c = walk.C + i,
            db = walk.DB + i * ScanShape.Chunk * S.Width,
            dc = walk.DC + i * ScanShape.Chunk * S.Width;
        var n = walk.N;
        for (var t = walk.Length - 1; t >= 0; t--)
        {
            var (step, drive, dy) = (S.LoadFull(steps + t * S.Width), S.LoadFull(drives + t * S.Width), S.LoadFull(dys + t * S.Width));
            var (sum, dDrive, dExponent) = (
                S.LoadFull(sums + t * S.Width),
                S.LoadFull(dDrives + t * S.Width),
                S.LoadFull(dExponents + t * S.Width)
            );
            float* bt = b + t * n,
                ct = c + t * n,
                decay = decays + t * ScanShape.Tile * S.Width,
                before = states + t * ScanShape.Tile * S.Width;
            float* dbt = db + t * ScanShape.Tile * S.Width,
                dct = dc + t * ScanShape.Tile * S.Width;
            Turn<S, V>(0, a0, ref g0, ref r0, dy, step, drive, ref sum, ref dDrive, ref dExponent, bt, ct, decay, before, dbt, dct);
            Turn<S, V>(1, a1, ref g1, ref r1, dy, step, drive, ref sum, ref dDrive, ref dExponent, bt, ct, decay, before, dbt, dct);
            Turn<S, V>(2, a2, ref g2, ref r2, dy, step, drive, ref sum, ref dDrive, ref dExponent, bt, ct, decay, before, dbt, dct);
            Turn<S, V>(3, a3, ref g3, ref r3, dy, step, drive, ref sum, ref dDrive, ref dExponent, bt, ct, decay, before, dbt, dct);
            S.StoreFull(sums + t * S.Width, sum);
            S.StoreFull(dDrives + t * S.Width, dDrive);
            S.StoreFull(dExponents + t * S.Width, dExponent);
        }
        StoreFour<S, V>(flows, g0, g1, g2, g3);
        StoreFour<S, V>(dRates, r0, r1, r2, r3);
    }

    /// <summary>One position of state <paramref name="k"/> of the tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn<S, V>(
        int k, V rate, ref V flow, ref V dRate, V dy, V step, V drive, ref V sum, ref V dDrive, ref V dExponent,
        float* b, float* c, float* decays, float* before, float* db, float* dc)
        where S : ILanes<V> where V : struct
    {
        var at = k * S.Width;
        var state = S.LoadFull(before + ScanShape.Tile * S.Width + at);
        var output = S.Create(c[k]);
        sum = S.MultiplyAdd(state, output, sum);
        S.StoreFull(dc + at, S.MultiplyAdd(dy, state, S.LoadFull(dc + at)));
        var g = S.MultiplyAdd(dy, output, flow);
        S.StoreFull(db + at, S.MultiplyAdd(g, drive, S.LoadFull(db + at)));
        dDrive = S.MultiplyAdd(g, S.Create(b[k]), dDrive);
        flow = S.Multiply(g, S.LoadFull(decays + at));
        var exponent = S.Multiply(flow, S.LoadFull(before + at));
        dExponent = S.MultiplyAdd(exponent, rate, dExponent);
        dRate = S.MultiplyAdd(exponent, step, dRate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void StoreFour<S, V>(float* to, V a, V b, V c, V d) where S : ILanes<V> where V : struct
    {
        S.StoreFull(to, a);
        S.StoreFull(to + S.Width, b);
        S.StoreFull(to + 2 * S.Width, c);
        S.StoreFull(to + 3 * S.Width, d);
    }

    /// <summary>(N/4, C, 4, W) → (C, N).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumLanes<S, V>(float* lanes, float* sums, int length, ScanShape shape) where S : ILanes<V> where V : struct
    {
        for (var t = 0; t < length; t++)
        {
            for (var i = 0; i < shape.States; i++)
                sums[t * shape.States + i] = S.Sum(
                    S.LoadFull(lanes + ((i / ScanShape.Tile * ScanShape.Chunk + t) * ScanShape.Tile + i % ScanShape.Tile) * S.Width)
                );
        }
    }

    // With A = −exp(aLog): daLog = dA·A; dRate is dA, as the rates' log₂e went into the exponent's base.
    private static void StoreRates<S, V>(
        float* rates,
        float* dRates,
        float* skips,
        ScanArrays<float> partial,
        int sequence,
        int at,
        ScanShape shape
    )
        where S : ILanes<V>
        where V : struct
    {
        for (var lane = 0; lane < Math.Min(S.Width, shape.Inner - at); lane++)
        {
            var channel = (long)sequence * shape.Inner + at + lane;
            partial.D[channel] = skips[lane];
            for (var i = 0; i < shape.States; i++)
                partial.ALog[channel * shape.States + i] = dRates[i * S.Width + lane] * rates[i * S.Width + lane] * Activation.Ln2;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void SumParts<S, V, E>(float* parts, E* sums, int count, long stride, long start, long end)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        for (var i = start; i < end; i += S.Width)
        {
            var sum = Lanes.Load<S, V, float>(parts + i, end - i);
            for (var part = 1; part < count; part++) sum = S.Add(sum, Lanes.Load<S, V, float>(parts + part * stride + i, end - i));
            Lanes.Store<S, V, E>(sums + i, end - i, sum);
        }
    }

    /// <summary>What one thread works with: vectors by position (C, W), rows (C, N), lane sums (N/4, C, 4, W), and a tile of
    /// states.</summary>
    private struct Walk
    {
        public float* Steps, Drives, Dy, Sums, DDrives, DExponents, B, C, DB, DC, Decays, States;
        public int Length, N;
    }
}
