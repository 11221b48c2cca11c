// B batch, T sequence, H heads, K kv-heads, E head dim
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

/// <summary>Sizes of one fused query/key/value row: (H + 2K)·E values, queries first, then keys, then values.</summary>
internal readonly record struct HeadLayout(int Batch, int Length, int Heads, int KvHeads, int HeadDim)
{
    public int RowWidth => (Heads + 2 * KvHeads) * HeadDim;
}

/// <summary>
/// Splits (B, T, (H+2K)·E) into q (B, H, T, E), k and v (B, K, T, E) and turns q and k by their position (Su et al. 2021, in the
/// half-split layout of Hugging Face's Llama: element i pairs with i + E/2). The way back turns by the opposite angle, which is the
/// gradient.
/// </summary>
internal static unsafe class RotaryKernel
{
    private const long Grain = 16;

    /// <param name="cosSin">(T, 2, E/2) fp32: cosines, then sines, of a position; null turns nothing.</param>
    /// <param name="positions">(B, T): the position of each row; null where it is the row's own place in its sequence.</param>
    public static void Split<T>(T* qkv, T* q, T* k, T* v, float* cosSin, int* positions, HeadLayout layout) where T : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Move<Lanes512, Vector512<float>, T>(qkv, q, k, v, cosSin, positions, layout, back: false);
        else Move<Lanes256, Vector256<float>, T>(qkv, q, k, v, cosSin, positions, layout, back: false);
    }

    /// <summary>The gradient of <see cref="Split"/>: dq, dk, dv back into the fused row.</summary>
    public static void Merge<T>(T* dqkv, T* dq, T* dk, T* dv, float* cosSin, int* positions, HeadLayout layout) where T : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Move<Lanes512, Vector512<float>, T>(dqkv, dq, dk, dv, cosSin, positions, layout, back: true);
        else Move<Lanes256, Vector256<float>, T>(dqkv, dq, dk, dv, cosSin, positions, layout, back: true);
    }

    internal static void Move<S, V, T>(T* fused, T* q, T* k, T* v, float* cosSin, int* positions, HeadLayout layout, bool back)
        where S : ILanes<V> where V : struct where T : unmanaged =>
        OpenMpTeam.RunChunks((long)layout.Batch * layout.Length, Grain,
            (start, end) => MoveRows<S, V, T>(fused, q, k, v, cosSin, positions, layout, back, start, end));

    // Methods of their own: what a lambda captures lives on the heap and would be read again at every turn of the loop.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MoveRows<S, V, T>(
        T* fused, T* q, T* k, T* v, float* cosSin, int* positions, HeadLayout layout, bool back, long start, long end)
        where S : ILanes<V> where V : struct where T : unmanaged
    {
        var (_, length, heads, kvHeads, e) = layout;
        for (var row = start; row < end; row++)
        {
            var (b, t) = (row / length, row % length);
            var at = fused + row * layout.RowWidth;
            var angles = cosSin == null ? null : cosSin + (positions == null ? t : positions[row]) * e;
            for (var h = 0; h < heads; h++)
                Turn<S, V, T>(at + (long)h * e, q + ((b * heads + h) * length + t) * e, angles, e, back);
            for (var h = 0; h < kvHeads; h++)
                Turn<S, V, T>(at + (long)(heads + h) * e, k + ((b * kvHeads + h) * length + t) * e, angles, e, back);
            for (var h = 0; h < kvHeads; h++)
            {
                Copy(at + (long)(heads + kvHeads + h) * e, v + ((b * kvHeads + h) * length + t) * e, e, back);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn<S, V, T>(T* fused, T* head, float* angles, int e, bool back)
        where S : ILanes<V>
        where V : struct
        where T : unmanaged
    {
        if (angles == null)
        {
            Copy(fused, head, e, back);
            return;
        }
        var half = e / 2;
        var sign = S.Create(back ? -1 : 1);
        var (from, to) = back ? ((IntPtr)head, (IntPtr)fused) : ((IntPtr)fused, (IntPtr)head);
        var whole = half - half % S.Width;
        for (var i = 0; i < whole; i += S.Width)
        {
            var (cos, sin) = (S.LoadFull(angles + i), S.Multiply(sign, S.LoadFull(angles + half + i)));
            var (first, second) = (Lanes.Whole<S, V, T>((T*)from + i), Lanes.Whole<S, V, T>((T*)from + half + i));
            Lanes.StoreWhole<S, V, T>((T*)to + i, S.Subtract(S.Multiply(first, cos), S.Multiply(second, sin)));
            Lanes.StoreWhole<S, V, T>((T*)to + half + i, S.MultiplyAdd(second, cos, S.Multiply(first, sin)));
        }
        for (var i = whole; i < half; i += S.Width)
        {
            var cos = Lanes.Load<S, V, float>(angles + i, half - i);
            var sin = S.Multiply(sign, Lanes.Load<S, V, float>(angles + half + i, half - i));
            var first = Lanes.Load<S, V, T>((T*)from + i, half - i);
            var second = Lanes.Load<S, V, T>((T*)from + half + i, half - i);
            Lanes.Store<S, V, T>((T*)to + i, half - i, S.Subtract(S.Multiply(first, cos), S.Multiply(second, sin)));
            Lanes.Store<S, V, T>((T*)to + half + i, half - i, S.MultiplyAdd(second, cos, S.Multiply(first, sin)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy<T>(T* fused, T* head, int e, bool back) where T : unmanaged
    {
        var bytes = (long)e * sizeof(T);
        if (back) Buffer.MemoryCopy(head, fused, bytes, bytes);
        else Buffer.MemoryCopy(fused, head, bytes, bytes);
    }
}
