// B batch, T sequence, H heads, P head dim, G groups, N states, W vector width, C positions of a chunk
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

/// <summary>Work is cut into items of one sequence and some neighbouring heads of one group, by the shape alone, so that sums over items
/// do not depend on the threads.</summary>
internal readonly record struct DualShape(int Batch, int Length, int Heads, int HeadDim, int Groups, int States, Segments? Segments = null)
{
    /// <summary>Positions between two kept states.</summary>
    public const int Chunk = ScanShape.Chunk;

    /// <summary>States are walked four at a time; those that fill up have no input and no output.</summary>
    public const int Tile = 4;

    private const int WantedItems = 32;

    public Sequences Sequences => new(Batch, Length, Segments);

    public int RoundedStates => (States + Tile - 1) / Tile * Tile;

    public int HeadsPerGroup => Heads / Groups;

    public int HeadsPerItem
    {
        get
        {
            var parts = Math.Clamp(WantedItems / (Sequences.Count * Groups), 1, HeadsPerGroup);
            return (HeadsPerGroup + parts - 1) / parts;
        }
    }

    public int Parts => (HeadsPerGroup + HeadsPerItem - 1) / HeadsPerItem;

    public int Items => Sequences.Count * Groups * Parts;

    /// <summary>fp32 values that the kept states take, for any vector width.</summary>
    public long KeptStates => Sequences.Chunks * Heads * ((HeadDim + 15) / 16 * 16) * RoundedStates;

    public (int Sequence, int Group, int Part, int FirstHead, int EndHead) Item(long item)
    {
        var (sequence, group, part) = ((int)(item / (Groups * Parts)), (int)(item / Parts % Groups), (int)(item % Parts));
        var first = group * HeadsPerGroup;
        return (sequence, group, part, first + part * HeadsPerItem, first + Math.Min(HeadsPerGroup, (part + 1) * HeadsPerItem));
    }
}

/// <summary>x (B, T, H, P), delta (B, T, H) fp32, b, c (B, T, G, N), aLog, d (H) fp32. Gradients have the same form.</summary>
internal unsafe struct DualArrays<E> where E : unmanaged
{
    public E* X, B, C;
    public float* Delta, ALog, D;
}

/// <summary>
/// Mamba-2's scan (Dao and Gu 2024), h ← exp(Δ·A)·h + Δ·x⊗b, y = h·c + d·x, as the recurrence it is: vectors run over a head's channels,
/// four states at a time stay in registers over a chunk of positions. On a CPU this beats the paper's block form: there are no chunk
/// matrices to write, and three vector operations a state and position are about what the block form's products cost.
/// </summary>
internal static unsafe partial class StateSpaceDualKernel
{
    public static void Forward<E>(DualArrays<E> input, E* y, float* kept, DualShape shape) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Forward<Lanes512, Vector512<float>, E>(input, y, kept, shape);
        else Forward<Lanes256, Vector256<float>, E>(input, y, kept, shape);
    }

    internal static void Forward<S, V, E>(DualArrays<E> input, E* y, float* kept, DualShape shape)
        where S : ILanes<V>
        where V : struct
        where E : unmanaged =>
        OpenMpTeam.RunChunks(shape.Items, 1, (start, end) => ForwardItems<S, V, E>(input, y, kept, shape, start, end));

    // Methods of their own: what a lambda captures lives on the heap and would be read again at every turn of the loop.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardItems<S, V, E>(DualArrays<E> input, E* y, float* kept, DualShape shape, long start, long end)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        const int Line = DualShape.Chunk;
        var (sequences, p, n, vectors) = (shape.Sequences, shape.HeadDim, shape.RoundedStates, (shape.HeadDim + S.Width - 1) / S.Width);
        var stateSize = n * S.Width;
        using var memory = new AlignedFloats((long)shape.HeadsPerItem * vectors * stateSize + 2 * Line * S.Width + 2 * Line * n + Line);
        float* states = memory.Take((long)shape.HeadsPerItem * vectors * stateSize),
            drives = memory.Take(Line * S.Width),
            sums = memory.Take(Line * S.Width);
        float* b = memory.Take(Line * n),
            c = memory.Take(Line * n),
            decays = memory.Take(Line);
        for (var item = start; item < end; item++)
        {
            var (sequence, group, _, first, last) = shape.Item(item);
            var (position, extent, firstChunk) = sequences[sequence];
            new Span<float>(states, (last - first) * vectors * stateSize).Clear();
            for (var chunk = 0; chunk < Sequences.ChunksOf(extent); chunk++)
            {
                var row = position + chunk * Line;
                var length = Math.Min(Line, extent - chunk * Line);
                LoadRows(input.B, b, row, length, group, shape);
                LoadRows(input.C, c, row, length, group, shape);
                for (var head = first; head < last; head++)
                {
                    var delta = input.Delta + row * shape.Heads + head;
                    LoadDecays(delta, -MathF.Exp(input.ALog[head]), decays, length, shape.Heads);
                    var skip = S.Create(input.D[head]);
                    for (var vector = 0; vector < vectors; vector++)
                    {
                        var left = p - vector * S.Width;
                        var origin = (row * shape.Heads + head) * p + vector * S.Width;
                        var state = states + ((head - first) * vectors + vector) * stateSize;
                        var border = kept + (((firstChunk + chunk) * shape.Heads + head) * vectors + vector) * stateSize;
                        Buffer.MemoryCopy(state, border, stateSize * sizeof(float), stateSize * sizeof(float));
                        for (var t = 0; t < length; t++)
                        {
                            var x = Lanes.Load<S, V, E>(input.X + origin + (long)t * shape.Heads * p, left);
                            S.StoreFull(drives + t * S.Width, S.Multiply(x, S.Create(delta[(long)t * shape.Heads])));
                            S.StoreFull(sums + t * S.Width, S.Multiply(x, skip));
                        }
                        for (var i = 0; i < n; i += DualShape.Tile)
                            ForwardTile<S, V>(state + i * S.Width, decays, drives, sums, b + i, c + i, length, n);
                        for (var t = 0; t < length; t++)
                            Lanes.Store<S, V, E>(y + origin + (long)t * shape.Heads * p, left, S.LoadFull(sums + t * S.Width));
                    }
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardTile<S, V>(float* states, float* decays, float* drives, float* sums, float* b, float* c, int length, int n)
        where S : ILanes<V> where V : struct
    {
        var (h0, h1, h2, h3) = (
            S.LoadFull(states),
            S.LoadFull(states + S.Width),
            S.LoadFull(states + 2 * S.Width),
            S.LoadFull(states + 3 * S.Width)
        );
        for (var t = 0; t < length; t++)
        {
            var (decay, drive) = (S.Create(decays[t]), S.LoadFull(drives + t * S.Width));
            float* bt = b + t * n, ct = c + t * n;
            h0 = S.MultiplyAdd(decay, h0, S.Multiply(drive, S.Create(bt[0])));
            h1 = S.MultiplyAdd(decay, h1, S.Multiply(drive, S.Create(bt[1])));
            h2 = S.MultiplyAdd(decay, h2, S.Multiply(drive, S.Create(bt[2])));
            h3 = S.MultiplyAdd(decay, h3, S.Multiply(drive, S.Create(bt[3])));
            var even = S.MultiplyAdd(h2, S.Create(ct[2]), S.MultiplyAdd(h0, S.Create(ct[0]), S.LoadFull(sums + t * S.Width)));
            var odd = S.MultiplyAdd(h3, S.Create(ct[3]), S.Multiply(h1, S.Create(ct[1])));
            S.StoreFull(sums + t * S.Width, S.Add(even, odd));
        }
        S.StoreFull(states, h0);
        S.StoreFull(states + S.Width, h1);
        S.StoreFull(states + 2 * S.Width, h2);
        S.StoreFull(states + 3 * S.Width, h3);
    }

    private static void LoadDecays(float* delta, float rate, float* decays, int length, int heads)
    {
        for (var t = 0; t < length; t++) decays[t] = MathF.Exp(delta[(long)t * heads] * rate);
    }

    /// <summary>Rows of one group's N values in fp32, filled up with zeros to whole tiles.</summary>
    private static void LoadRows<E>(E* source, float* rows, long row, int length, int group, DualShape shape) where E : unmanaged
    {
        for (var t = 0; t < length; t++)
        {
            var from = source + ((row + t) * shape.Groups + group) * shape.States;
            for (var i = 0; i < shape.RoundedStates; i++)
                rows[t * shape.RoundedStates + i] = i < shape.States ? Lanes.ToSingle(from[i]) : 0;
        }
    }
}
