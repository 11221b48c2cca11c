using CsCheck;
using Dolmen.Artifacts;
using Dolmen.Checkpoints.Gguf;

namespace Dolmen.Tests.Numerics;

public unsafe class BlockMatrixTests
{
    private static readonly BlockKernels[] Kernels = [BlockKernels.Plain, BlockKernels.Best, new Avx2BlockKernels()];

    /// <summary>Every kernel, every number of rows at once and every number of threads.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Products_have_the_bits_of_the_plain_loop(bool four) =>
        Gen.Select(Gen.Int[1, 11], Gen.Int[1, 90], Gen.Int[1, 300], Gen.Int[1, 2]).Sample((m, n, k, threads) =>
        {
            var (x, w) = Values(m, n, k);
            var expected = Product(BlockKernels.Plain, x, w, m, n, k, four, threads: 1);
            foreach (var kernels in Kernels.Where(IsSupported))
            {
                var together = Product(kernels, x, w, m, n, k, four, threads);
                Assert.Equal(expected, together);
                for (var row = 0; row < m; row++)
                    Assert.Equal(expected[(row * n)..((row + 1) * n)],
                        Product(kernels, x[(row * k)..((row + 1) * k)], w, 1, n, k, four, threads));
            }
        }, iter: 60);

    /// <summary>Against the dot products in double of what the codes stand for.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Products_are_those_of_the_rounded_values(bool four) =>
        Gen.Select(Gen.Int[1, 5], Gen.Int[1, 40], Gen.Int[1, 300]).Sample((m, n, k) =>
        {
            var (x, w) = Values(m, n, k);
            var y = Product(BlockKernels.Best, x, w, m, n, k, four, threads: 1);
            var (weights, inputs) = (Rounded(w, n, k, four ? GgmlType.Q40 : GgmlType.Q80), Rounded(x, m, k, GgmlType.Q80));
            for (var i = 0; i < m; i++)
            {
                for (var j = 0; j < n; j++)
                {
                    double sum = 0, size = 0;
                    for (var p = 0; p < k; p++)
                    {
                        var term = (double)weights[j * k + p] * inputs[i * k + p];
                        sum += term;
                        size += Math.Abs(term);
                    }
                    // ggml keeps the scale of the inputs as float16, ours as float32: 2^-11 of each term.
                    Assert.Equal(sum, y[i * n + j], Math.Max(1e-6, size / 1500));
                }
            }
        }, iter: 60);

    /// <summary>The codes are those that the GGUF writer, checked against llama.cpp's files, gives.</summary>
    [Theory]
    [InlineData(false, GgmlType.Q80)]
    [InlineData(true, GgmlType.Q40)]
    public void Weights_are_rounded_as_ggml_rounds_them(bool four, GgmlType type) =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 9]).Sample((n, blocks) =>
    {
        var k = 32 * blocks;
        var (_, w) = Values(1, n, k);
        Array.Clear(w, 0, 32);                                           // a block of zeros has no scale
        w[^1] = 1e-7f;                                                   // a scale below float16's normal numbers
        using var matrix = new BlockMatrix(n, k, four ? BlockFormat.Int4 : BlockFormat.Int8);
        matrix.SetRows(0, Random(n * k, 99));                            // what was there before leaves nothing behind
        matrix.SetRows(0, w);
        var row = new float[k];
        var expected = Rounded(w, n, k, type);
        for (var output = 0; output < n; output++)
        {
            fixed (float* to = row) matrix.CopyRow(output, to);
            Assert.Equal(expected[(output * k)..((output + 1) * k)], row);
        }
    }, iter: 60);

    private static bool IsSupported(BlockKernels kernels) => kernels is not Avx2BlockKernels
        || System.Runtime.Intrinsics.X86.Avx2.IsSupported;

    private static float[] Rounded(float[] values, int rows, int columns, GgmlType type)
    {
        var padded = (columns + 31) / 32 * 32;
        var (row, codes) = (new float[padded], new byte[padded / 32 * GgmlTypes.Block(type)!.Value.Bytes]);
        var rounded = new float[values.Length];
        for (var i = 0; i < rows; i++)
        {
            Array.Clear(row);
            Array.Copy(values, i * columns, row, 0, columns);
            GgmlEncoder.Encode(type, row, codes);
            GgmlDecoder.Decode(type, codes, row);
            Array.Copy(row, 0, rounded, i * columns, columns);
        }
        return rounded;
    }

    private static (float[] X, float[] W) Values(int m, int n, int k) =>
        (Random(m * k, (ulong)(m * 31 + k)), Random(n * k, (ulong)(n * 1009 + k)));

    private static float[] Random(int count, ulong seed)
    {
        var random = new StableRandom(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)random.NextNormal())];
    }

    /// <returns>(M, N)</returns>
    private static float[] Product(BlockKernels kernels, float[] x, float[] w, int m, int n, int k, bool four, int threads)
    {
        using var matrix = new BlockMatrix(n, k, four ? BlockFormat.Int4 : BlockFormat.Int8, kernels);
        matrix.SetRows(0, w.AsSpan(0, n / 2 * k));
        matrix.SetRows(n / 2, w.AsSpan(n / 2 * k));
        var y = new float[m * matrix.PaddedOutputs];
        var scratch = NativeBuffer.OfFloats(0);
        fixed (float* px = x, py = y) matrix.Multiply(px, m, py, ref scratch, threads);
        scratch.Dispose();
        return [.. Enumerable.Range(0, m * n).Select(i => y[i / n * matrix.PaddedOutputs + i % n])];
    }
}
