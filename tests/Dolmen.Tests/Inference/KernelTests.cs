using CsCheck;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Mixers;

namespace Dolmen.Tests.Inference;

public unsafe class KernelTests
{
    [Theory]
    [InlineData(Tiles.WideColumns, TensorDtype.Float32)]
    [InlineData(Tiles.WideColumns, TensorDtype.BFloat16)]
    [InlineData(Tiles.NarrowColumns, TensorDtype.Float32)]
    [InlineData(Tiles.NarrowColumns, TensorDtype.BFloat16)]
    public void Products_are_the_bits_of_the_scalar_loop_for_any_size(int columns, TensorDtype dtype) =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 150], Gen.Int[1, 1100], Gen.Int[1, 3]).Sample((m, n, k, threads) =>
        {
            var random = new StableRandom((ulong)(m * 1_000_003 + n * 1009 + k));
            var x = Random(ref random, m * k);
            var w = Random(ref random, n * k);
            if (dtype == TensorDtype.BFloat16)
            {
                for (var i = 0; i < w.Length; i++) w[i] = BitConverter.UInt32BitsToSingle((uint)TensorDtypes.ToBFloat16(w[i]) << 16);
            }
            using var matrix = new PackedMatrix(n, k, dtype == TensorDtype.BFloat16, columns);
            matrix.SetRows(0, w.AsSpan(0, n / 2 * k));
            matrix.SetRows(n / 2, w.AsSpan(n / 2 * k));
            var y = new float[m * matrix.PaddedOutputs];
            var row = new float[matrix.PaddedOutputs];
            var copy = new float[k];
            var scratch = NativeBuffer.OfFloats(0);
            fixed (float* px = x, py = y, pr = row, pc = copy)
            {
                matrix.Multiply(px, m, py, ref scratch, threads);
                matrix.Multiply(px, 1, pr, ref scratch, threads);
                matrix.CopyRow(n - 1, pc);
            }
            scratch.Dispose();
            Assert.Equal(w[^k..], copy);
            for (var i = 0; i < m; i++)
            {
                for (var j = 0; j < n; j++)
                {
                    var expected = 0f;
                    for (var p = 0; p < k; p++) expected = MathF.FusedMultiplyAdd(x[i * k + p], w[j * k + p], expected);
                    Assert.Equal(expected, y[i * matrix.PaddedOutputs + j]);
                    if (i == 0) Assert.Equal(expected, row[j]);
                }
            }
        }, iter: 25, threads: 1);

    [Theory]
    [InlineData(KvPrecision.Float32, 1e-4)]
    [InlineData(KvPrecision.Int16, 2e-4)]
    [InlineData(KvPrecision.Int8, 0.05)]
    public void Attention_is_the_weighted_mean_of_the_values(KvPrecision precision, double tolerance) =>
        Gen.Select(Gen.Int[1, 150], Gen.Int[1, 75].Select(half => 2 * half)).Sample((length, e) =>
        {
            var random = new StableRandom((ulong)(length * 1009 + e));
            var (q, keys, values) = (Random(ref random, e), Random(ref random, length * e), Random(ref random, length * e));
            using var cache = new KvCache(1, e, null, new StateMemory(), precision);
            cache.Append(length);
            var output = new float[e];
            var scores = new float[length + 16];
            fixed (float* pq = q, pk = keys, pv = values, ps = scores, po = output)
            {
                for (var p = 0; p < length; p++) cache.Put(0, p, pk + p * e, pv + p * e);
                Attention.Query(pq, new KeysAndValues(cache, 0), 0, length, e, 0, ps, po);
            }
            var weights = Enumerable.Range(0, length).Select(p => Math.Exp(Enumerable.Range(0, e).Sum(i => (double)q[i] * keys[p * e + i])))
                .ToArray();
            for (var i = 0; i < e; i++)
            {
                var expected = weights.Select((weight, p) => weight * values[p * e + i]).Sum() / weights.Sum();
                Assert.Equal(expected, output[i], tolerance);
            }
        }, iter: 60, threads: 1);

    [Theory]
    [InlineData(KvPrecision.Int16, 32767)]
    [InlineData(KvPrecision.Int8, 127)]
    public void Codes_are_within_half_a_step_of_what_they_stand_for(KvPrecision precision, int largest) =>
        Gen.Float[-1e30f, 1e30f].Array[1, 80].Sample(values =>
        {
            var (codes, width) = (new byte[values.Length * 4], KvCodes.Bytes(precision));
            float scale;
            fixed (float* x = values) fixed (byte* to = codes) scale = KvCodes.Store(precision, x, values.Length, to, 4 / width);
            var most = values.Max(Math.Abs);
            // Numbers whose scale would be below the normal ones become zeros.
            Assert.Equal(most / largest, scale, Math.Max(most * 1e-6f, 1.2e-38f));
            for (var i = 0; i < values.Length; i++)
            {
                var code = width == 2 ? BitConverter.ToInt16(codes, 4 * i) : (sbyte)codes[4 * i];
                Assert.InRange(code, -largest, largest);
                Assert.InRange(Math.Abs(values[i] - (double)code * scale), 0, Math.Max(scale * 0.505, 1.2e-38 * largest));
            }
        }, iter: 200);

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void Codes_do_not_hide_numbers_that_are_not_finite(float damaged)
    {
        var codes = stackalloc byte[8];
        var values = stackalloc float[2];
        (values[0], values[1]) = (1, damaged);
        Assert.True(float.IsNaN(KvCodes.Store(KvPrecision.Int8, values, 2, codes, 1)));
        (values[0], values[1]) = (0, float.Epsilon);                     // what the inverse would overflow for
        Assert.Equal(0, KvCodes.Store(KvPrecision.Int8, values, 2, codes, 1));
    }

    [Fact]
    public void Exponentials_sums_norms_and_gates_agree_with_double_precision() =>
        Gen.Select(Gen.Int[1, 70], Gen.Float[-30, 30]).Sample((count, spread) =>
        {
            var random = new StableRandom((ulong)count);
            var x = Random(ref random, count).Select(v => v * spread).ToArray();
            var w = Random(ref random, count);
            float[] norm = new float[count], gate = new float[count];
            fixed (float* px = x, pw = w, pn = norm, pg = gate)
            {
                VectorMath.RmsNorm(px, pw, pn, count, 1e-5f);
                VectorMath.SwiGlu(px, pw, pg, count);
            }
            var lse = Probabilities.LogSumExp(x);
            double max = x.Max();
            Assert.Equal(max + Math.Log(x.Sum(v => Math.Exp(v - max))), lse, 1e-5 * Math.Max(1, Math.Abs(lse)));
            var scale = 1 / Math.Sqrt(x.Sum(v => (double)v * v) / count + 1e-5);
            for (var i = 0; i < count; i++)
            {
                Assert.Equal(x[i] * scale * w[i], norm[i], 1e-5);
                Assert.Equal(x[i] / (1 + Math.Exp(-(double)x[i])) * w[i], gate[i], 1e-5 * Math.Max(1, Math.Abs(gate[i])));
            }
        }, iter: 200, threads: 1);

    [Fact]
    public void Each_chunk_runs_once_and_a_failure_comes_back_to_the_caller()
    {
        for (var round = 0; round < 2000; round++)
        {
            var counts = new int[round % 37 + 1];
            ThreadTeam.Shared.Run(counts.Length, 2, i => Interlocked.Increment(ref counts[i]));
            Assert.All(counts, count => Assert.Equal(1, count));
        }
        Assert.ThrowsAny<InvalidOperationException>(() =>
            ThreadTeam.Shared.Run(8, 2, i => { if (i == 5) throw new InvalidOperationException("five"); }));
        var again = 0;
        ThreadTeam.Shared.Run(8, 2, _ => Interlocked.Increment(ref again));
        Assert.Equal(8, again);
    }

    [Fact]
    public void A_thread_that_keeps_the_team_waiting_loses_no_chunk()
    {
        var caller = Environment.CurrentManagedThreadId;
        for (var round = 0; round < 100; round++)
        {
            var counts = new int[6];
            ThreadTeam.Shared.Run(counts.Length, 2, i =>
            {
                // As if its core had been taken: the caller then goes on alone for a while.
                if (Environment.CurrentManagedThreadId != caller) Thread.Sleep(1);
                Interlocked.Increment(ref counts[i]);
            });
            Assert.All(counts, count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public void Many_callers_may_ask_at_once()
    {
        var totals = new int[4];
        Parallel.For(0, totals.Length, caller =>
        {
            for (var round = 0; round < 200; round++) ThreadTeam.Shared.Run(16, 2, _ => Interlocked.Increment(ref totals[caller]));
        });
        Assert.All(totals, total => Assert.Equal(3200, total));
    }

    private static float[] Random(ref StableRandom random, int count)
    {
        var values = new float[count];
        for (var i = 0; i < count; i++) values[i] = (float)random.NextNormal() / 4;
        return values;
    }
}
