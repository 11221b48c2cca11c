// B batch, T sequence, I inner channels, N states a channel, W vector width, C positions of a chunk
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

internal readonly record struct ScanShape(int Batch, int Length, int Inner, int States, Segments? Segments = null)
{
    /// <summary>Positions between two kept states.</summary>
    public const int Chunk = 32;

    /// <summary>States are walked four at a time; those that fill up have no input and no output.</summary>
    public const int Tile = 4;

    public Sequences Sequences => new(Batch, Length, Segments);

    public int RoundedStates => (States + Tile - 1) / Tile * Tile;

    /// <summary>fp32 values that the kept states take, for any vector width.</summary>
    public long KeptStates => Sequences.Chunks * ((Inner + 15) / 16 * 16) * RoundedStates;
}

/// <summary>x, delta, gate (B, T, I); b, c (B, T, N); aLog (I, N); d (I). <c>Gate</c> may be null. Gradients have the same form.</summary>
internal unsafe struct ScanArrays<E> where E : unmanaged
{
    public E* X, Delta, B, C, Gate;
    public float* ALog, D;
}

/// <summary>
/// Mamba's selective scan (Gu and Dao 2023, algorithm 2) with softplus of the step, skip and gate in the same pass:
/// h ← exp(Δ·A)·h + Δ·b·x, y = (Σ c·h + d·x)·silu(gate), Δ = softplus(delta), A = −exp(aLog). Vectors run over channels; the states of
/// a channel stay in registers over a chunk of positions, and only those at the chunks' borders are kept for the backward pass.
/// </summary>
internal static unsafe partial class SelectiveScanKernel
{
    public static void Forward<E>(ScanArrays<E> input, E* y, float* kept, ScanShape shape) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Forward<Lanes512, Vector512<float>, E>(input, y, kept, shape);
        else Forward<Lanes256, Vector256<float>, E>(input, y, kept, shape);
    }

    internal static void Forward<S, V, E>(ScanArrays<E> input, E* y, float* kept, ScanShape shape)
        where S : ILanes<V> where V : struct where E : unmanaged =>
        OpenMpTeam.RunChunks(new ChannelSplit(shape.Sequences.Count, shape.Inner, S.Width).Items, 1,
            (start, end) => ForwardItems<S, V, E>(input, y, kept, shape, start, end));

    // Methods of their own: what a lambda captures lives on the heap and would be read again at every turn of the loop.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardItems<S, V, E>(ScanArrays<E> input, E* y, float* kept, ScanShape shape, long start, long end)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        var split = new ChannelSplit(shape.Sequences.Count, shape.Inner, S.Width);
        var (sequences, inner, n) = (shape.Sequences, shape.Inner, shape.RoundedStates);
        var statesSize = n * S.Width;
        const int Line = ScanShape.Chunk;
        using var memory = new AlignedFloats(2L * split.VectorsPerGroup * statesSize + 3 * Line * S.Width + 2 * Line * n);
        float* rates = memory.Take(split.VectorsPerGroup * statesSize), states = memory.Take(split.VectorsPerGroup * statesSize);
        float* steps = memory.Take(Line * S.Width), drives = memory.Take(Line * S.Width), sums = memory.Take(Line * S.Width);
        float* b = memory.Take(Line * n), c = memory.Take(Line * n);
        for (var item = start; item < end; item++)
        {
            var (sequence, _, first, last) = split.Item(item);
            var (position, extent, firstChunk) = sequences[sequence];
            for (var vector = first; vector < last; vector++)
                LoadRates<S, V>(input.ALog, rates + (vector - first) * statesSize, vector * S.Width, shape);
            new Span<float>(states, (last - first) * statesSize).Clear();
            for (var chunk = 0; chunk < Sequences.ChunksOf(extent); chunk++)
            {
                var row = position + chunk * Line;
                var length = Math.Min(Line, extent - chunk * Line);
                LoadRows(input.B + row * shape.States, b, length, shape);
                LoadRows(input.C + row * shape.States, c, length, shape);
                for (var vector = first; vector < last; vector++)
                {
                    var at = vector * S.Width;
                    var left = inner - at;
                    float* rate = rates + (vector - first) * statesSize, state = states + (vector - first) * statesSize;
                    var border = kept + ((firstChunk + chunk) * split.Vectors + vector) * statesSize;
                    Buffer.MemoryCopy(state, border, statesSize * sizeof(float), statesSize * sizeof(float));
                    for (var t = 0; t < length; t++)
                    {
                        var offset = (row + t) * inner + at;
                        var step = Activation.Softplus<S, V>(Lanes.Load<S, V, E>(input.Delta + offset, left));
                        S.StoreFull(steps + t * S.Width, step);
                        S.StoreFull(drives + t * S.Width, S.Multiply(step, Lanes.Load<S, V, E>(input.X + offset, left)));
                        S.StoreFull(sums + t * S.Width, S.Create(0));
                    }
                    for (var i = 0; i < n; i += ScanShape.Tile)
                        ForwardTile<S, V>(rate + i * S.Width, state + i * S.Width, steps, drives, sums, b + i, c + i, length, n);
                    var skip = Lanes.Load<S, V, float>(input.D + at, left);
                    for (var t = 0; t < length; t++)
                    {
                        var offset = (row + t) * inner + at;
                        var value = S.MultiplyAdd(skip, Lanes.Load<S, V, E>(input.X + offset, left), S.LoadFull(sums + t * S.Width));
                        if (input.Gate != null)
                        {
                            var gate = Lanes.Load<S, V, E>(input.Gate + offset, left);
                            value = S.Multiply(value, S.Multiply(gate, Activation.Sigmoid<S, V>(gate)));
                        }
                        Lanes.Store<S, V, E>(y + offset, left, value);
                    }
                }
            }
        }
    }

    /// <summary>Four states over one chunk: h and A in registers, Σ c·h added to <paramref name="sums"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardTile<S, V>(
        float* rates,
        float* states,
        float* steps,
        float* drives,
        float* sums,
        float* b,
        float* c,
        int length,
        int n
    )
        where S : ILanes<V>
        where V : struct
    {
        var (a0, a1, a2, a3) = (
            S.LoadFull(rates),
            S.LoadFull(rates + S.Width),
            S.LoadFull(rates + 2 * S.Width),
            S.LoadFull(rates + 3 * S.Width)
        );
        var (h0, h1, h2, h3) = (
            S.LoadFull(states),
            S.LoadFull(states + S.Width),
            S.LoadFull(states + 2 * S.Width),
            S.LoadFull(states + 3 * S.Width)
        );
        for (var t = 0; t < length; t++)
        {
            var (step, drive) = (S.LoadFull(steps + t * S.Width), S.LoadFull(drives + t * S.Width));
            float* bt = b + t * n, ct = c + t * n;
            h0 = S.MultiplyAdd(Activation.PowerOfTwo<S, V>(S.Multiply(step, a0)), h0, S.Multiply(drive, S.Create(bt[0])));
            h1 = S.MultiplyAdd(Activation.PowerOfTwo<S, V>(S.Multiply(step, a1)), h1, S.Multiply(drive, S.Create(bt[1])));
            h2 = S.MultiplyAdd(Activation.PowerOfTwo<S, V>(S.Multiply(step, a2)), h2, S.Multiply(drive, S.Create(bt[2])));
            h3 = S.MultiplyAdd(Activation.PowerOfTwo<S, V>(S.Multiply(step, a3)), h3, S.Multiply(drive, S.Create(bt[3])));
            var even = S.MultiplyAdd(h0, S.Create(ct[0]), S.LoadFull(sums + t * S.Width));
            even = S.MultiplyAdd(h2, S.Create(ct[2]), even);
            var odd = S.MultiplyAdd(h3, S.Create(ct[3]), S.Multiply(h1, S.Create(ct[1])));
            S.StoreFull(sums + t * S.Width, S.Add(even, odd));
        }
        S.StoreFull(states, h0);
        S.StoreFull(states + S.Width, h1);
        S.StoreFull(states + 2 * S.Width, h2);
        S.StoreFull(states + 3 * S.Width, h3);
    }

    /// <summary>(N, W): A·log₂e of the channels from <paramref name="at"/> on, so that exp(Δ·A) = 2^(Δ·rate).</summary>
    private static void LoadRates<S, V>(float* aLog, float* rates, int at, ScanShape shape) where S : ILanes<V> where V : struct
    {
        for (var i = 0; i < shape.RoundedStates; i++)
        {
            for (var lane = 0; lane < S.Width; lane++)
                rates[i * S.Width + lane] =
                    i < shape.States && at + lane < shape.Inner ? -MathF.Exp(aLog[(at + lane) * shape.States + i]) * Activation.Log2E : 0;
        }
    }

    /// <summary>Rows of N values in fp32, filled up with zeros to whole tiles.</summary>
    private static void LoadRows<E>(E* source, float* rows, int length, ScanShape shape) where E : unmanaged
    {
        for (var t = 0; t < length; t++)
        {
            for (var i = 0; i < shape.RoundedStates; i++)
                rows[t * shape.RoundedStates + i] = i < shape.States ? Lanes.ToSingle(source[t * shape.States + i]) : 0;
        }
    }
}
