using System.Runtime.InteropServices;
using CsCheck;
using Dolmen.Artifacts;
using Dolmen.Checkpoints.Gguf;

namespace Dolmen.Tests.Numerics;

public unsafe class SuperBlockMatrixTests
{
    private static readonly SuperBlockKernels[] Kernels =
    [
        SuperBlockKernels.Plain, SuperBlockKernels.Best,
        .. System.Runtime.Intrinsics.X86.Avx2.IsSupported ? [new Avx2SuperBlockKernels()] : Array.Empty<SuperBlockKernels>(),
    ];

    /// <summary>Every kernel, every number of rows at once and every number of threads.</summary>
    [Fact]
    public void Products_have_the_bits_of_the_plain_loop() =>
        Gen.Select(Gen.Int[1, 11], Gen.Int[1, 60], Gen.Int[1, 3], Gen.Int[1, 2]).Sample((m, n, superBlocks, threads) =>
        {
            var k = 256 * superBlocks;
            var (x, blocks) = (Inputs(m, k), Blocks(n * superBlocks, (ulong)(n + k)));
            var expected = Product(SuperBlockKernels.Plain, x, blocks, m, n, k, threads: 1);
            foreach (var kernels in Kernels)
            {
                Assert.Equal(expected, Product(kernels, x, blocks, m, n, k, threads));
                for (var row = 0; row < m; row++)
                    Assert.Equal(expected[(row * n)..((row + 1) * n)],
                        Product(kernels, x[(row * k)..((row + 1) * k)], blocks, 1, n, k, threads));
            }
        }, iter: 40);

    /// <summary>Against the dot products in double of what the codes stand for.</summary>
    [Fact]
    public void Products_are_those_of_the_rounded_values() =>
        Gen.Select(Gen.Int[1, 5], Gen.Int[1, 40], Gen.Int[1, 3]).Sample((m, n, superBlocks) =>
        {
            var k = 256 * superBlocks;
            var (x, blocks) = (Inputs(m, k), Blocks(n * superBlocks, (ulong)(n * 7 + k)));
            var y = Product(SuperBlockKernels.Best, x, blocks, m, n, k, threads: 1);
            var (weights, inputs) = (new float[n * k], new float[m * k]);
            GgmlDecoder.Decode(GgmlType.Q4K, blocks, weights);
            var codes = new byte[m * k / 32 * 34];
            GgmlEncoder.Encode(GgmlType.Q80, x, codes);
            GgmlDecoder.Decode(GgmlType.Q80, codes, inputs);
            for (var i = 0; i < m; i++)
            {
                for (var j = 0; j < n; j++)
                {
                    double sum = 0, size = 0;
                    for (var p = 0; p < k; p++)
                    {
                        sum += (double)weights[j * k + p] * inputs[i * k + p];
                        size += Math.Abs((double)weights[j * k + p] * inputs[i * k + p]);
                    }
                    // ggml keeps the scale of the inputs as float16, ours as float32; scale and minimum parts are larger than their sum.
                    Assert.Equal(sum, y[i * n + j], Math.Max(1e-6, size / 200));
                }
            }
        }, iter: 40);

    [Fact]
    public void A_matrix_holds_exactly_what_the_blocks_of_llama_cpp_stand_for()
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "Checkpoints", "Goldens", "ggml_quant");
        var expected = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(Path.Combine(folder, "q4_K.f32"))).ToArray();
        const int outputs = 4, inputs = 512;
        using var matrix = new SuperBlockMatrix(outputs + 3, inputs);
        matrix.SetBlocks(3, File.ReadAllBytes(Path.Combine(folder, "q4_K.bin")));
        var row = new float[inputs];
        for (var output = 0; output < outputs; output++)
        {
            fixed (float* to = row) matrix.CopyRow(3 + output, to);
            Assert.Equal(expected[(output * inputs)..((output + 1) * inputs)], row);
        }
        Assert.Equal(1 * 2 * SuperBlockMatrix.PanelBytes, matrix.Bytes);
    }

    [Fact]
    public void A_matrix_of_parts_is_its_parts() =>
        Gen.Select(Gen.Int[1, 9], Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[1, 2]).Sample((m, first, second, threads) =>
        {
            const int k = 256;
            var (x, blocks) = (Inputs(m, k), Blocks(first, (ulong)first));
            var w = Inputs(second, k);
            var super = new SuperBlockMatrix(first, k);
            super.SetBlocks(0, blocks);
            using var matrix = MatrixParts.Of(
                super, new PackedMatrix(second, k, bfloat16: false), new BlockMatrix(second, k, BlockFormat.Int8));
            matrix.SetRows(first, w);
            matrix.SetRows(first + second, w);
            using var packed = new PackedMatrix(second, k, bfloat16: false);
            using var eight = new BlockMatrix(second, k, BlockFormat.Int8);
            packed.SetRows(0, w);
            eight.SetRows(0, w);
            var (y, left) = (Product(matrix, x, m, threads), Product(SuperBlockKernels.Best, x, blocks, m, first, k, threads));
            var (middle, right) = (Product(packed, x, m, threads), Product(eight, x, m, threads));
            for (var i = 0; i < m; i++)
            {
                float[] expected =
                    [.. left.AsSpan(i * first, first), .. middle.AsSpan(i * second, second), .. right.AsSpan(i * second, second)];
                Assert.Equal(expected, y[(i * expected.Length)..((i + 1) * expected.Length)]);
            }
            var (row, other) = (new float[k], new float[k]);
            fixed (float* to = row, from = other)
            {
                matrix.CopyRow(first + 2 * second - 1, to);
                eight.CopyRow(second - 1, from);
            }
            Assert.Equal(other, row);
        }, iter: 40);

    private static float[] Inputs(int rows, int columns)
    {
        var random = new StableRandom((ulong)(rows * 31 + columns));
        return [.. Enumerable.Range(0, rows * columns).Select(_ => (float)random.NextNormal())];
    }

    /// <summary>Random codes, scales and minima; factors about a thousandth, of both signs.</summary>
    private static byte[] Blocks(int count, ulong seed)
    {
        var random = new StableRandom(seed);
        var blocks = new byte[count * SuperBlockMatrix.FileBytes];
        for (var i = 0; i < blocks.Length; i++) blocks[i] = (byte)random.Next(256);
        for (var block = 0; block < count; block++)
        {
            var at = blocks.AsSpan(block * SuperBlockMatrix.FileBytes);
            MemoryMarshal.Write(at, (Half)(0.001 * random.NextNormal()));
            MemoryMarshal.Write(at[2..], (Half)(0.001 * random.NextNormal()));
        }
        return blocks;
    }

    private static float[] Product(SuperBlockKernels kernels, float[] x, byte[] blocks, int m, int n, int k, int threads)
    {
        using var matrix = new SuperBlockMatrix(n, k, kernels);
        matrix.SetBlocks(0, blocks);
        return Product(matrix, x, m, threads);
    }

    /// <returns>(M, N)</returns>
    private static float[] Product(WeightMatrix matrix, float[] x, int m, int threads)
    {
        var (n, y) = (matrix.Outputs, new float[m * matrix.PaddedOutputs]);
        var scratch = NativeBuffer.OfFloats(0);
        fixed (float* px = x, py = y) matrix.Multiply(px, m, py, ref scratch, threads);
        scratch.Dispose();
        return [.. Enumerable.Range(0, m * n).Select(i => y[i / n * matrix.PaddedOutputs + i % n])];
    }
}
