using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dolmen.Numerics;

/// <summary>Products of <see cref="BlockMatrix"/>: a panel of 16 outputs times M rows of rounded inputs.</summary>
internal abstract unsafe class BlockKernels
{
    /// <summary>A block of inputs: 32 of them as int16, then as int8, then their scale (float32) and their sum times eight
    /// (int32).</summary>
    public const int InputBytes = 64 + 32 + 8;

    public const int BytesAt = 64, ScaleAt = 96, SumAt = 100;

    /// <summary>2^112. A float16 whose exponent and mantissa are shifted to float32's places is its value divided by this: the biases of
    /// the exponents are 15 and 127. Right for subnormal numbers and zero as well.</summary>
    protected const float HalfBias = 5.192296858534828e33f;

    public static BlockKernels Plain { get; } = new PlainBlockKernels();

    public static BlockKernels Best { get; } = Avx512BW.IsSupported ? new Avx512BlockKernels()
        : Avx2.IsSupported ? new Avx2BlockKernels() : Plain;

    /// <param name="weights">A panel of <see cref="BlockFormat.Int8"/>.</param>
    /// <param name="inputs">(M, B) blocks of <see cref="InputBytes"/>.</param>
    /// <param name="y">(M, 16), rows <paramref name="stride"/> apart.</param>
    public abstract void Int8(byte* weights, byte* inputs, int blocks, int m, float* y, int stride);

    /// <inheritdoc cref="Int8"/>
    /// <param name="weights">A panel of <see cref="BlockFormat.Int4"/>.</param>
    public abstract void Int4(byte* weights, byte* inputs, int blocks, int m, float* y, int stride);

    /// <summary>Rounds a row of inputs to eight bits, a scale for each block, as ggml's quantize_row_q8_0 does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Round(float* x, int count, byte* to)
    {
        var padded = stackalloc float[BlockMatrix.Block];
        for (var done = 0; done < count; done += BlockMatrix.Block, to += InputBytes)
        {
            var from = x + done;
            if (count - done < BlockMatrix.Block)
            {
                new Span<float>(padded, BlockMatrix.Block).Clear();
                new ReadOnlySpan<float>(from, count - done).CopyTo(new Span<float>(padded, BlockMatrix.Block));
                from = padded;
            }
            var (a, b, c, d) = (Vector256.Load(from), Vector256.Load(from + 8), Vector256.Load(from + 16), Vector256.Load(from + 24));
            var sizes = Vector256.Max(Vector256.Max(Vector256.Abs(a), Vector256.Abs(b)), Vector256.Max(Vector256.Abs(c), Vector256.Abs(d)));
            var largest = 0f;
            for (var i = 0; i < 8; i++) largest = Math.Max(largest, sizes[i]);
            var scale = largest / 127;
            var inverse = Vector256.Create(scale != 0 ? 1 / scale : 0);
            var (ia, ib, ic, id) = (Codes(a * inverse), Codes(b * inverse), Codes(c * inverse), Codes(d * inverse));
            var (low, high) = (Vector256.Narrow(ia, ib), Vector256.Narrow(ic, id));
            low.Store((short*)to);
            high.Store((short*)to + 16);
            Vector256.Narrow(low, high).Store((sbyte*)(to + BytesAt));
            *(float*)(to + ScaleAt) = scale;
            *(int*)(to + SumAt) = 8 * Vector256.Sum(ia + ib + ic + id);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Codes(Vector256<float> scaled) => Vector256.ConvertToInt32(Vector256.Round(scaled));
}
