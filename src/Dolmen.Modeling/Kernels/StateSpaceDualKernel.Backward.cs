// B batch, T sequence, H heads, P head dim, G groups, N states, W vector width, C positions of a chunk
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

// As the selective scan's backward pass; with g the gradient of h and a = exp(Δ·A):
//   g ← g + dy·c,  dc = Σ dy·h,  db = Σ g·Δ·x,  d(Δ·x) = Σ g·b,  da = Σ g·h₋₁ over a head,  g ← g·a.
internal static unsafe partial class StateSpaceDualKernel
{
    public static void Backward<E>(DualArrays<E> input, float* kept, E* dy, DualArrays<E> gradients, DualShape shape) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Backward<Lanes512, Vector512<float>, E>(input, kept, dy, gradients, shape);
        else Backward<Lanes256, Vector256<float>, E>(input, kept, dy, gradients, shape);
    }

    internal static void Backward<S, V, E>(DualArrays<E> input, float* kept, E* dy, DualArrays<E> gradients, DualShape shape)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        var rows = (long)shape.Batch * shape.Length * shape.Groups * shape.States;
        var count = shape.Sequences.Count;
        using var memory = new AlignedFloats(2 * shape.Parts * rows + 2L * count * shape.Heads);
        float* db = memory.Take(shape.Parts * rows),
            dc = memory.Take(shape.Parts * rows); // (parts, B, T, G, N)
        float* dA = memory.Take((long)count * shape.Heads),
            dd = memory.Take((long)count * shape.Heads); // (sequences, H)
        var partial = new DualArrays<float>
        {
            B = db,
            C = dc,
            ALog = dA,
            D = dd,
        };
        OpenMpTeam.RunChunks(
            shape.Items,
            1,
            (start, end) => BackwardItems<S, V, E>(input, kept, dy, gradients, partial, shape, start, end)
        );
        OpenMpTeam.RunChunks(
            rows,
            1 << 12,
            (start, end) =>
            {
                SelectiveScanKernel.SumParts<S, V, E>(db, gradients.B, shape.Parts, rows, start, end);
                SelectiveScanKernel.SumParts<S, V, E>(dc, gradients.C, shape.Parts, rows, start, end);
            }
        );
        SelectiveScanKernel.SumParts<S, V, float>(dA, gradients.ALog, count, shape.Heads, 0, shape.Heads);
        SelectiveScanKernel.SumParts<S, V, float>(dd, gradients.D, count, shape.Heads, 0, shape.Heads);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardItems<S, V, E>(
        DualArrays<E> input, float* kept, E* dy, DualArrays<E> gradients, DualArrays<float> partial, DualShape shape, long start, long end)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        const int Line = DualShape.Chunk;
        var (sequences, p, n, vectors) = (shape.Sequences, shape.HeadDim, shape.RoundedStates, (shape.HeadDim + S.Width - 1) / S.Width);
        var stateSize = n * S.Width;
        var flowsSize = (long)shape.HeadsPerItem * vectors * stateSize;
        using var memory = new AlignedFloats(
            flowsSize
                + (4 * vectors + 2) * Line * S.Width
                + 2 * Line * n
                + 2 * Line * stateSize
                + (Line + 1) * DualShape.Tile * S.Width
                + Line
        );
        var flows = memory.Take(flowsSize); // gradient of h from the right
        var walk = new DualWalk
        {
            DDecays = memory.Take(Line * S.Width),
            B = memory.Take(Line * n), C = memory.Take(Line * n), DB = memory.Take(Line * stateSize), DC = memory.Take(Line * stateSize),
            States = memory.Take((Line + 1) * DualShape.Tile * S.Width), N = n,
        };
        var column = Line * S.Width; // one vector of channels over the chunk
        float* xs = memory.Take(vectors * column),
            drives = memory.Take(vectors * column),
            dys = memory.Take(vectors * column),
            dDrives = memory.Take(vectors * column);
        var dSteps = memory.Take(column);
        walk.Decays = memory.Take(Line);
        for (var item = start; item < end; item++)
        {
            var (sequence, group, part, first, last) = shape.Item(item);
            var (position, extent, firstChunk) = sequences[sequence];
            new Span<float>(flows, (last - first) * vectors * stateSize).Clear();
            for (var head = first; head < last; head++)
            {
                partial.ALog[sequence * shape.Heads + head] = 0;
                partial.D[sequence * shape.Heads + head] = 0;
            }
            for (var chunk = Sequences.ChunksOf(extent) - 1; chunk >= 0; chunk--)
            {
                var row = position + chunk * Line;
                walk.Length = Math.Min(Line, extent - chunk * Line);
                LoadRows(input.B, walk.B, row, walk.Length, group, shape);
                LoadRows(input.C, walk.C, row, walk.Length, group, shape);
                new Span<float>(walk.DB, Line * stateSize).Clear();
                new Span<float>(walk.DC, Line * stateSize).Clear();
                for (var head = first; head < last; head++)
                {
                    float* delta = input.Delta + row * shape.Heads + head, dDelta = gradients.Delta + row * shape.Heads + head;
                    var rate = -MathF.Exp(input.ALog[head]);
                    LoadDecays(delta, rate, walk.Decays, walk.Length, shape.Heads);
                    new Span<float>(walk.DDecays, Line * S.Width).Clear();
                    new Span<float>(dSteps, Line * S.Width).Clear();
                    var (skip, dSkip) = (S.Create(input.D[head]), S.Create(0));
                    for (var vector = 0; vector < vectors; vector++)
                    {
                        var left = p - vector * S.Width;
                        var origin = (row * shape.Heads + head) * p + vector * S.Width;
                        for (var t = 0; t < walk.Length; t++)
                        {
                            var (offset, at) = (origin + (long)t * shape.Heads * p, vector * column + t * S.Width);
                            var (x, flow) = (Lanes.Load<S, V, E>(input.X + offset, left), Lanes.Load<S, V, E>(dy + offset, left));
                            S.StoreFull(xs + at, x);
                            S.StoreFull(drives + at, S.Multiply(x, S.Create(delta[(long)t * shape.Heads])));
                            S.StoreFull(dys + at, flow);
                            S.StoreFull(dDrives + at, S.Create(0));
                            dSkip = S.MultiplyAdd(flow, x, dSkip);
                        }
                    }
                    // States outside, channels inside: a tile's lane sums stay in the first-level cache for the whole head.
                    for (var i = 0; i < n; i += DualShape.Tile)
                    {
                        for (var vector = 0; vector < vectors; vector++)
                        {
                            walk.Drives = drives + vector * column;
                            walk.Dy = dys + vector * column;
                            walk.DDrives = dDrives + vector * column;
                            var border = kept + (((firstChunk + chunk) * shape.Heads + head) * vectors + vector) * stateSize;
                            RecomputeTile<S, V>(walk, border + i * S.Width, i);
                            BackwardTile<S, V>(walk, flows + ((head - first) * vectors + vector) * stateSize + i * S.Width, i);
                        }
                    }
                    for (var vector = 0; vector < vectors; vector++)
                    {
                        var left = p - vector * S.Width;
                        var origin = (row * shape.Heads + head) * p + vector * S.Width;
                        for (var t = 0; t < walk.Length; t++)
                        {
                            var at = vector * column + t * S.Width;
                            var dDrive = S.LoadFull(dDrives + at);
                            S.StoreFull(dSteps + t * S.Width, S.MultiplyAdd(dDrive, S.LoadFull(xs + at), S.LoadFull(dSteps + t * S.Width)));
                            var dx = S.MultiplyAdd(dDrive, S.Create(delta[(long)t * shape.Heads]), S.Multiply(S.LoadFull(dys + at), skip));
                            Lanes.Store<S, V, E>(gradients.X + origin + (long)t * shape.Heads * p, left, dx);
                        }
                    }
                    var dRate = 0f;
                    for (var t = 0; t < walk.Length; t++)
                    {
                        var dExponent = S.Sum(S.LoadFull(walk.DDecays + t * S.Width)) * walk.Decays[t];
                        dDelta[(long)t * shape.Heads] = S.Sum(S.LoadFull(dSteps + t * S.Width)) + dExponent * rate;
                        dRate += dExponent * delta[(long)t * shape.Heads];
                    }
                    partial.ALog[sequence * shape.Heads + head] += dRate * rate;                                   // A = −exp(aLog)
                    partial.D[sequence * shape.Heads + head] += S.Sum(dSkip);
                }
                for (var t = 0; t < walk.Length; t++)
                {
                    var to = (((long)part * shape.Batch * shape.Length + row + t) * shape.Groups + group) * shape.States;
                    for (var i = 0; i < shape.States; i++)
                    {
                        var lanes = ((i / DualShape.Tile * Line + t) * DualShape.Tile + i % DualShape.Tile) * S.Width;
                        partial.B[to + i] = S.Sum(S.LoadFull(walk.DB + lanes));
                        partial.C[to + i] = S.Sum(S.LoadFull(walk.DC + lanes));
                    }
                }
            }
        }
    }

    /// <summary>h of four states over the chunk, (t, 4, W), beginning with the border.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RecomputeTile<S, V>(in DualWalk walk, float* border, int i) where S : ILanes<V> where V : struct
    {
        var (h0, h1, h2, h3) = (
            S.LoadFull(border),
            S.LoadFull(border + S.Width),
            S.LoadFull(border + 2 * S.Width),
            S.LoadFull(border + 3 * S.Width)
        );
        float* decays = walk.Decays,
            drives = walk.Drives,
            states = walk.States,
            b = walk.B + i;
        var (length, n) = (walk.Length, walk.N);
        SelectiveScanKernel.StoreFour<S, V>(states, h0, h1, h2, h3);
        for (var t = 0; t < length; t++)
        {
            var (decay, drive) = (S.Create(decays[t]), S.LoadFull(drives + t * S.Width));
            var bt = b + t * n;
            h0 = S.MultiplyAdd(decay, h0, S.Multiply(drive, S.Create(bt[0])));
            h1 = S.MultiplyAdd(decay, h1, S.Multiply(drive, S.Create(bt[1])));
            h2 = S.MultiplyAdd(decay, h2, S.Multiply(drive, S.Create(bt[2])));
            h3 = S.MultiplyAdd(decay, h3, S.Multiply(drive, S.Create(bt[3])));
            SelectiveScanKernel.StoreFour<S, V>(states + (t + 1) * DualShape.Tile * S.Width, h0, h1, h2, h3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardTile<S, V>(in DualWalk walk, float* flows, int i) where S : ILanes<V> where V : struct
    {
        var (g0, g1, g2, g3) = (
            S.LoadFull(flows),
            S.LoadFull(flows + S.Width),
            S.LoadFull(flows + 2 * S.Width),
            S.LoadFull(flows + 3 * S.Width)
        );
        float* decays = walk.Decays,
            drives = walk.Drives,
            dys = walk.Dy,
            dDrives = walk.DDrives,
            dDecays = walk.DDecays,
            states = walk.States;
        float* b = walk.B + i,
            c = walk.C + i,
            db = walk.DB + i * DualShape.Chunk * S.Width,
            dc = walk.DC + i * DualShape.Chunk * S.Width;
        var n = walk.N;
        for (var t = walk.Length - 1; t >= 0; t--)
        {
            var (decay, drive, dy) = (S.Create(decays[t]), S.LoadFull(drives + t * S.Width), S.LoadFull(dys + t * S.Width));
            var (dDrive, dDecay) = (S.LoadFull(dDrives + t * S.Width), S.LoadFull(dDecays + t * S.Width));
            float* bt = b + t * n,
                ct = c + t * n,
                before = states + t * DualShape.Tile * S.Width,
                dbt = db + t * DualShape.Tile * S.Width,
                dct = dc + t * DualShape.Tile * S.Width;
            Turn<S, V>(0, ref g0, dy, decay, drive, ref dDrive, ref dDecay, bt, ct, before, dbt, dct);
            Turn<S, V>(1, ref g1, dy, decay, drive, ref dDrive, ref dDecay, bt, ct, before, dbt, dct);
            Turn<S, V>(2, ref g2, dy, decay, drive, ref dDrive, ref dDecay, bt, ct, before, dbt, dct);
            Turn<S, V>(3, ref g3, dy, decay, drive, ref dDrive, ref dDecay, bt, ct, before, dbt, dct);
            S.StoreFull(dDrives + t * S.Width, dDrive);
            S.StoreFull(dDecays + t * S.Width, dDecay);
        }
        SelectiveScanKernel.StoreFour<S, V>(flows, g0, g1, g2, g3);
    }

    /// <summary>One position of state <paramref name="k"/> of the tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn<S, V>(
        int k, ref V flow, V dy, V decay, V drive, ref V dDrive, ref V dDecay, float* b, float* c, float* before, float* db, float* dc)
        where S : ILanes<V> where V : struct
    {
        var at = k * S.Width;
        S.StoreFull(dc + at, S.MultiplyAdd(dy, S.LoadFull(before + DualShape.Tile * S.Width + at), S.LoadFull(dc + at)));
        var g = S.MultiplyAdd(dy, S.Create(c[k]), flow);
        S.StoreFull(db + at, S.MultiplyAdd(g, drive, S.LoadFull(db + at)));
        dDrive = S.MultiplyAdd(g, S.Create(b[k]), dDrive);
        dDecay = S.MultiplyAdd(g, S.LoadFull(before + at), dDecay);
        flow = S.Multiply(g, decay);
    }

    /// <summary>What one thread works with: vectors by position (C, W), decays (C), rows (C, N), lane sums (N/4, C, 4, W), and a tile of
    /// states.</summary>
    private struct DualWalk
    {
        public float* Decays, Drives, Dy, DDrives, DDecays, B, C, DB, DC, States;
        public int Length, N;
    }
}
