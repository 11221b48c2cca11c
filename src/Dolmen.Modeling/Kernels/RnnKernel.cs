// B rows of a batch, H state, G gates
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

/// <summary>One step of a recurrent cell for a batch. What comes from below is <see cref="X"/> + <see cref="Y"/> + <see cref="BiasX"/>,
/// what comes from the state <see cref="Recurrent"/> + <see cref="BiasH"/>, all (B, G·H); a null part is zero.</summary>
internal unsafe struct RnnStep<E> where E : unmanaged
{
    public E* X, Y, Recurrent;
    public float* BiasX, BiasH;

    /// <summary>(B, H); cells of a GRU are null.</summary>
    public float* HBefore, CBefore, HAfter, CAfter;

    /// <summary>(B, 4H): input, forget, cell and output gate; of a GRU reset, update, new, and the state's part of new.</summary>
    public float* Gates;

    /// <summary>The state again, in the type products take, (B, H).</summary>
    public E* HCopy;

    /// <summary>Rows whose sequence has ended at <see cref="Position"/> keep their state. Null: none has.</summary>
    public int* Lengths;
    public int Position;
    public int Width;
}

/// <summary>The way back through one step.</summary>
internal unsafe struct RnnStepGradient<E> where E : unmanaged
{
    public float* HBefore, CBefore, CAfter, Gates;

    /// <summary>(B, H). Comes in as a part of the gradient of the state after the step, leaves as that of the state before it, without
    /// what goes through the recurrent product.</summary>
    public float* DH, DC;

    /// <summary>Further parts of the gradient of the state after the step, (B, H) or null.</summary>
    public E* OfOutput, OfProduct, OfAbove;

    /// <summary>Gradients of the gate sums, (B, G·H): of what comes from below and of what comes from the state. One for an LSTM.</summary>
    public E* DBelow, DRecurrent;
    public int* Lengths;
    public int Position;
    public int Width;
}

/// <summary>LSTM (Hochreiter and Schmidhuber 1997, with forget gate; gates in torch's order i, f, g, o) and GRU (Cho et al. 2014; r, z, n,
/// the reset gate after the product as in torch), all of a step at once.</summary>
internal static unsafe class RnnKernel
{
    private const long Grain = 8;

    public static void Forward<E>(RnnStep<E> step, bool lstm, long rows) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Forward<Lanes512, Vector512<float>, E>(step, lstm, rows);
        else Forward<Lanes256, Vector256<float>, E>(step, lstm, rows);
    }

    public static void Backward<E>(RnnStepGradient<E> step, bool lstm, long rows) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Backward<Lanes512, Vector512<float>, E>(step, lstm, rows);
        else Backward<Lanes256, Vector256<float>, E>(step, lstm, rows);
    }

    internal static void Forward<S, V, E>(RnnStep<E> step, bool lstm, long rows)
        where S : ILanes<V>
        where V : struct
        where E : unmanaged =>
        OpenMpTeam.RunChunks(
            rows,
            Grain,
            (start, end) =>
            {
                for (var row = start; row < end; row++)
                {
                    if (step.Lengths != null && step.Position >= step.Lengths[row])
                        Keep<S, V, E>(step, row);
                    else if (lstm)
                        LstmRow<S, V, E>(step, row);
                    else
                        GruRow<S, V, E>(step, row);
                }
            }
        );

    internal static void Backward<S, V, E>(RnnStepGradient<E> step, bool lstm, long rows)
        where S : ILanes<V>
        where V : struct
        where E : unmanaged =>
        OpenMpTeam.RunChunks(
            rows,
            Grain,
            (start, end) =>
            {
                for (var row = start; row < end; row++)
                {
                    if (step.Lengths != null && step.Position >= step.Lengths[row])
                        PassOn<S, V, E>(step, lstm, row);
                    else if (lstm)
                        LstmRowBack<S, V, E>(step, row);
                    else
                        GruRowBack<S, V, E>(step, row);
                }
            }
        );

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LstmRow<S, V, E>(RnnStep<E> step, long row)
        where S : ILanes<V>
        where V : struct
        where E : unmanaged
    {
        int h = step.Width;
        long at = row * h, gates = row * 4 * h;
        for (var i = 0; i < h; i += S.Width)
        {
            var left = h - i;
            var input = Sigmoid<S, V>(Sum<S, V, E>(step, gates, i, left));
            var forget = Sigmoid<S, V>(Sum<S, V, E>(step, gates, h + i, left));
            var cell = Tanh<S, V>(Sum<S, V, E>(step, gates, 2 * h + i, left));
            var output = Sigmoid<S, V>(Sum<S, V, E>(step, gates, 3 * h + i, left));
            var c = S.MultiplyAdd(forget, Lanes.Load<S, V, float>(step.CBefore + at + i, left), S.Multiply(input, cell));
            var y = S.Multiply(output, Tanh<S, V>(c));
            float* saved = step.Gates + gates + i;
            Lanes.Store<S, V, float>(saved, left, input);
            Lanes.Store<S, V, float>(saved + h, left, forget);
            Lanes.Store<S, V, float>(saved + 2 * h, left, cell);
            Lanes.Store<S, V, float>(saved + 3 * h, left, output);
            Lanes.Store<S, V, float>(step.CAfter + at + i, left, c);
            Lanes.Store<S, V, float>(step.HAfter + at + i, left, y);
            Lanes.Store<S, V, E>(step.HCopy + at + i, left, y);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GruRow<S, V, E>(RnnStep<E> step, long row) where S : ILanes<V> where V : struct where E : unmanaged
    {
        int h = step.Width;
        long at = row * h, gates = row * 3 * h;
        for (var i = 0; i < h; i += S.Width)
        {
            var left = h - i;
            var reset = Sigmoid<S, V>(Sum<S, V, E>(step, gates, i, left));
            var update = Sigmoid<S, V>(Sum<S, V, E>(step, gates, h + i, left));
            var fromState = FromState<S, V, E>(step, gates, 2 * h + i, left);
            var fresh = Tanh<S, V>(S.MultiplyAdd(reset, fromState, FromBelow<S, V, E>(step, gates, 2 * h + i, left)));
            var before = Lanes.Load<S, V, float>(step.HBefore + at + i, left);
            var y = S.MultiplyAdd(update, S.Subtract(before, fresh), fresh);
            float* saved = step.Gates + row * 4 * h + i;
            Lanes.Store<S, V, float>(saved, left, reset);
            Lanes.Store<S, V, float>(saved + h, left, update);
            Lanes.Store<S, V, float>(saved + 2 * h, left, fresh);
            Lanes.Store<S, V, float>(saved + 3 * h, left, fromState);
            Lanes.Store<S, V, float>(step.HAfter + at + i, left, y);
            Lanes.Store<S, V, E>(step.HCopy + at + i, left, y);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Keep<S, V, E>(RnnStep<E> step, long row) where S : ILanes<V> where V : struct where E : unmanaged
    {
        int h = step.Width;
        var at = row * h;
        for (var i = 0; i < h; i += S.Width)
        {
            var y = Lanes.Load<S, V, float>(step.HBefore + at + i, h - i);
            Lanes.Store<S, V, float>(step.HAfter + at + i, h - i, y);
            Lanes.Store<S, V, E>(step.HCopy + at + i, h - i, y);
            if (step.CAfter != null)
                Lanes.Store<S, V, float>(step.CAfter + at + i, h - i, Lanes.Load<S, V, float>(step.CBefore + at + i, h - i));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LstmRowBack<S, V, E>(RnnStepGradient<E> step, long row) where S : ILanes<V> where V : struct where E : unmanaged
    {
        int h = step.Width;
        long at = row * h, gates = row * 4 * h;
        var one = S.Create(1);
        for (var i = 0; i < h; i += S.Width)
        {
            var left = h - i;
            float* saved = step.Gates + gates + i;
            V input = Lanes.Load<S, V, float>(saved, left), forget = Lanes.Load<S, V, float>(saved + h, left);
            V cell = Lanes.Load<S, V, float>(saved + 2 * h, left), output = Lanes.Load<S, V, float>(saved + 3 * h, left);
            var dh = Incoming<S, V, E>(step, at + i, left);
            var squashed = Tanh<S, V>(Lanes.Load<S, V, float>(step.CAfter + at + i, left));
            var dc = S.MultiplyAdd(
                S.Multiply(dh, output),
                S.Subtract(one, S.Multiply(squashed, squashed)),
                Lanes.Load<S, V, float>(step.DC + at + i, left)
            );
            E* below = step.DBelow + gates + i;
            Lanes.Store<S, V, E>(below, left, S.Multiply(S.Multiply(dc, cell), Slope<S, V>(input)));
            Lanes.Store<S, V, E>(
                below + h,
                left,
                S.Multiply(S.Multiply(dc, Lanes.Load<S, V, float>(step.CBefore + at + i, left)), Slope<S, V>(forget))
            );
            Lanes.Store<S, V, E>(below + 2 * h, left, S.Multiply(S.Multiply(dc, input), S.Subtract(one, S.Multiply(cell, cell))));
            Lanes.Store<S, V, E>(below + 3 * h, left, S.Multiply(S.Multiply(dh, squashed), Slope<S, V>(output)));
            Lanes.Store<S, V, float>(step.DC + at + i, left, S.Multiply(dc, forget));
            Lanes.Store<S, V, float>(step.DH + at + i, left, default);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GruRowBack<S, V, E>(RnnStepGradient<E> step, long row) where S : ILanes<V> where V : struct where E : unmanaged
    {
        int h = step.Width;
        long at = row * h, gates = row * 3 * h;
        var one = S.Create(1);
        for (var i = 0; i < h; i += S.Width)
        {
            var left = h - i;
            float* saved = step.Gates + row * 4 * h + i;
            V reset = Lanes.Load<S, V, float>(saved, left), update = Lanes.Load<S, V, float>(saved + h, left);
            V fresh = Lanes.Load<S, V, float>(saved + 2 * h, left), fromState = Lanes.Load<S, V, float>(saved + 3 * h, left);
            var dh = Incoming<S, V, E>(step, at + i, left);
            var before = Lanes.Load<S, V, float>(step.HBefore + at + i, left);
            var dFresh = S.Multiply(S.Multiply(dh, S.Subtract(one, update)), S.Subtract(one, S.Multiply(fresh, fresh)));
            var dReset = S.Multiply(S.Multiply(dFresh, fromState), Slope<S, V>(reset));
            var dUpdate = S.Multiply(S.Multiply(dh, S.Subtract(before, fresh)), Slope<S, V>(update));
            E* below = step.DBelow + gates + i, recurrent = step.DRecurrent + gates + i;
            Lanes.Store<S, V, E>(below, left, dReset);
            Lanes.Store<S, V, E>(below + h, left, dUpdate);
            Lanes.Store<S, V, E>(below + 2 * h, left, dFresh);
            Lanes.Store<S, V, E>(recurrent, left, dReset);
            Lanes.Store<S, V, E>(recurrent + h, left, dUpdate);
            Lanes.Store<S, V, E>(recurrent + 2 * h, left, S.Multiply(dFresh, reset));
            Lanes.Store<S, V, float>(step.DH + at + i, left, S.Multiply(dh, update));
        }
    }

    private static void PassOn<S, V, E>(RnnStepGradient<E> step, bool lstm, long row)
        where S : ILanes<V>
        where V : struct
        where E : unmanaged
    {
        int h = step.Width, gates = (lstm ? 4 : 3) * h;
        for (var i = 0; i < h; i += S.Width)
            Lanes.Store<S, V, float>(step.DH + row * h + i, h - i, Incoming<S, V, E>(step, row * h + i, h - i));
        new Span<E>(step.DBelow + row * gates, gates).Clear();
        if (step.DRecurrent != step.DBelow) new Span<E>(step.DRecurrent + row * gates, gates).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Incoming<S, V, E>(in RnnStepGradient<E> step, long at, long left)
        where S : ILanes<V>
        where V : struct
        where E : unmanaged
    {
        var sum = Lanes.Load<S, V, float>(step.DH + at, left);
        if (step.OfOutput != null) sum = S.Add(sum, Lanes.Load<S, V, E>(step.OfOutput + at, left));
        if (step.OfProduct != null) sum = S.Add(sum, Lanes.Load<S, V, E>(step.OfProduct + at, left));
        return step.OfAbove == null ? sum : S.Add(sum, Lanes.Load<S, V, E>(step.OfAbove + at, left));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Sum<S, V, E>(in RnnStep<E> step, long row, long i, long left)
        where S : ILanes<V>
        where V : struct
        where E : unmanaged => S.Add(FromBelow<S, V, E>(step, row, i, left), FromState<S, V, E>(step, row, i, left));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V FromBelow<S, V, E>(in RnnStep<E> step, long row, long i, long left)
        where S : ILanes<V>
        where V : struct
        where E : unmanaged
    {
        var sum = step.BiasX == null ? default : Lanes.Load<S, V, float>(step.BiasX + i, left);
        if (step.X != null) sum = S.Add(sum, Lanes.Load<S, V, E>(step.X + row + i, left));
        return step.Y == null ? sum : S.Add(sum, Lanes.Load<S, V, E>(step.Y + row + i, left));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V FromState<S, V, E>(in RnnStep<E> step, long row, long i, long left)
        where S : ILanes<V>
        where V : struct
        where E : unmanaged => S.Add(Lanes.Load<S, V, E>(step.Recurrent + row + i, left), Lanes.Load<S, V, float>(step.BiasH + i, left));

    /// <summary>σ′ in terms of σ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Slope<S, V>(V sigmoid) where S : ILanes<V> where V : struct => S.Multiply(sigmoid, S.Subtract(S.Create(1), sigmoid));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Sigmoid<S, V>(V x) where S : ILanes<V> where V : struct =>
        S.Divide(S.Create(1), S.Add(S.Create(1), Lanes.Exp<S, V>(S.Subtract(S.Create(0), x))));

    /// <summary>tanh x = 1 − 2/(1 + e²ˣ): absolute error 1e-7, which near 0 is not relative.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Tanh<S, V>(V x) where S : ILanes<V> where V : struct =>
        S.Subtract(S.Create(1), S.Divide(S.Create(2), S.Add(S.Create(1), Lanes.Exp<S, V>(S.Add(x, x)))));
}
