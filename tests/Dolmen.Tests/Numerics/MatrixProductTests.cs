using Dolmen.Artifacts;

namespace Dolmen.Tests.Numerics;

public class MatrixProductTests
{
    public static TheoryData<int, int, int> Sizes => new()
    {
        { 1, 1, 1 }, { 12, 32, 8 }, { 13, 33, 9 }, { 37, 50, 45 }, { 200, 70, 530 }, { 5, 200, 1100 }, { 401, 31, 64 },
    };

    [Theory, MemberData(nameof(Sizes))]
    public unsafe void Wide_tiles_give_the_bits_of_the_scalar_reference(int m, int n, int k) => Compare<WideTile>(m, n, k);

    [Theory, MemberData(nameof(Sizes))]
    public unsafe void Narrow_tiles_give_the_bits_of_the_scalar_reference(int m, int n, int k) => Compare<NarrowTile>(m, n, k);

    [Fact]
    public unsafe void A_product_is_near_the_one_in_double()
    {
        const int M = 70, N = 45, K = 1500;
        var (a, b, c) = (Values(M * K, 1), Values(K * N, 2), new float[M * N]);
        fixed (float* pa = a, pb = b, pc = c)
            MatrixProduct.Run(MatrixView.RowMajor(pa, K), MatrixView.RowMajor(pb, N), pc, N, M, N, K, false, ThreadTeam.Shared, 2);
        for (var i = 0; i < M; i++)
        {
            for (var j = 0; j < N; j++)
            {
                var (exact, size) = (0.0, 0.0);
                for (var p = 0; p < K; p++)
                {
                    exact += (double)a[i * K + p] * b[p * N + j];
                    size += Math.Abs((double)a[i * K + p] * b[p * N + j]);
                }
                Assert.InRange(c[i * N + j], exact - 1e-6 * size, exact + 1e-6 * size);
            }
        }
    }

    [Fact]
    public unsafe void Bits_do_not_depend_on_the_number_of_threads()
    {
        const int M = 500, N = 300, K = 260;
        var (a, b) = (Values(M * K, 3), Values(N * K, 4));
        float[][] results = [new float[M * N], new float[M * N]];
        foreach (var (result, threads) in results.Zip([1, 2]))
        {
            fixed (
                float* pa = a,
                    pb = b,
                    pc = result
            )
                MatrixProduct.Run(
                    MatrixView.RowMajor(pa, K),
                    MatrixView.Transposed(pb, K),
                    pc,
                    N,
                    M,
                    N,
                    K,
                    false,
                    ThreadTeam.Shared,
                    threads
                );
        }
        Assert.Equal(results[0], results[1]);
    }

    [Fact]
    public unsafe void An_operand_without_contiguous_rows_or_columns_is_refused()
    {
        var values = new float[16];
        fixed (float* p = values)
        {
            var (good, bad, c) = (MatrixView.RowMajor(p, 2), new MatrixView((nint)p, 4, 2), (nint)p);
            Assert.Throws<ArgumentException>(() => MatrixProduct.Run(bad, good, (float*)c, 2, 2, 2, 2, false, ThreadTeam.Shared, 1));
            Assert.Throws<ArgumentException>(() => MatrixProduct.Run(good, bad, (float*)c, 2, 2, 2, 2, false, ThreadTeam.Shared, 1));
        }
    }

    /// <summary>Each operand as it is and transposed, written over C and added to it; C has room between its rows that must stay.</summary>
    private static unsafe void Compare<T>(int m, int n, int k) where T : ITile
    {
        var stride = n + 3;
        foreach (
            var (transposeA, transposeB, accumulate) in from first in (bool[])[false, true]
            from second in (bool[])[false, true]
            from third in (bool[])[false, true]
            select (first, second, third)
        )
        {
            var (a, b, before) = (Values(m * k, 1), Values(k * n, 2), Values(m * stride, 3));
            var actual = before.ToArray();
            fixed (float* pa = a, pb = b, pc = actual)
            {
                MatrixProduct.Run<T>(
                    transposeA ? MatrixView.Transposed(pa, m) : MatrixView.RowMajor(pa, k),
                    transposeB ? MatrixView.Transposed(pb, k) : MatrixView.RowMajor(pb, n),
                    pc, stride, m, n, k, accumulate, ThreadTeam.Shared, 2);
            }
            var expected = before.ToArray();
            for (var i = 0; i < m; i++)
            {
                for (var j = 0; j < n; j++)
                {
                    var sum = accumulate ? before[i * stride + j] : 0;
                    for (var p = 0; p < k; p++)
                        sum = MathF.FusedMultiplyAdd(
                            transposeA ? a[p * m + i] : a[i * k + p],
                            transposeB ? b[j * k + p] : b[p * n + j],
                            sum
                        );
                    expected[i * stride + j] = sum;
                }
            }
            Assert.Equal(expected, actual);
        }
    }

    private static float[] Values(int count, ulong seed)
    {
        var random = new StableRandom(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.5))];
    }
}
