using Dolmen.Inference.Mixers;
using Dolmen.Modeling.Layers;
using Dolmen.Modeling.Mixers;
using Dolmen.Tests.Modeling;
using static TorchSharp.torch;

namespace Dolmen.Tests.Inference;

/// <summary>The recurrences against the authors' step by step outputs in double, and against the convolutions that training uses.</summary>
public class StateSpaceRecurrenceTests
{
    [Theory]
    [InlineData("s4d_zoh_lin", false)]
    [InlineData("s4d_bilinear_inv", true)]
    [InlineData("s4_legs", true)]
    [InlineData("s4_legt_rank2", true)]
    public void Stepping_gives_the_authors_outputs(string name, bool bilinear)
    {
        using var golden = new StateSpaceGolden(name, ScalarType.Float64);
        var lowRank = name.StartsWith("s4_", StringComparison.Ordinal) ? golden.Floats("param.kernel.P") : [];
        var recurrence = new StateSpaceRecurrence(new(
            16, 8, golden.Floats("param.kernel.A_real"), [.. golden.Floats("param.kernel.A_imag").Select(x => -x)], golden.Floats("param.kernel.inv_dt"),
            golden.Floats("param.kernel.B"), golden.Floats("param_init.kernel.C"), golden.Floats("param.D"), lowRank, bilinear));
        var (input, expected) = (golden.Floats("input"), golden.Values("output_step_f64"));
        var worst = 0.0;
        Span<float> y = stackalloc float[16];
        for (var sequence = 0; sequence < 2; sequence++)
        {
            var state = new float[recurrence.StateSize];
            for (var t = sequence * 64; t < (sequence + 1) * 64; t++)
            {
                recurrence.Step(input.AsSpan(16 * t, 16), state, y);
                for (var h = 0; h < 16; h++) worst = Math.Max(worst, Math.Abs(expected[16 * t + h] - Gelu(y[h])));
            }
            var theirs = golden.Values("final_state");                          // (2, H, N or 2N, 2): our first N are theirs
            for (var n = 0; n < 8; n++)
            {
                var at = (sequence * 16 + 5) * (lowRank.Length > 0 ? 16 : 8) + n;
                Assert.Equal(theirs[2 * at], state[2 * n * 16 + 5], 1e-5);
                Assert.Equal(theirs[2 * at + 1], state[(2 * n + 1) * 16 + 5], 1e-5);
            }
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: {worst:E2}");
        Assert.True(worst <= 1e-5, $"error {worst:E2}");
    }

    [Theory]
    [InlineData("h3_headdim1", 1, true)]
    [InlineData("h3_headdim8", 8, false)]
    public void Stepping_h3_gives_the_authors_outputs(string name, int headDim, bool bilinear)
    {
        using var golden = new StateSpaceGolden(name, ScalarType.Float64);
        var heads = 32 / headDim;
        var memory = new StateSpaceRecurrence(new(
            heads, 8, golden.Floats("param.kernel.kernel.inv_A_real"), golden.Floats("param.kernel.kernel.A_imag"), golden.Floats("param.kernel.kernel.log_dt"),
            golden.Floats("param.kernel.kernel.B"), golden.Floats("param.kernel.kernel.C"), golden.Floats("param.D"), [], bilinear));
        var shift = new ShiftRecurrence(golden.Floats("param.ssm_k_kernel.kernel.B"), golden.Floats("param.ssm_k_kernel.kernel.C"), golden.Floats("param.ssm_k_D"));
        var recurrence = new H3Recurrence(shift, memory, 32, heads);
        var (input, expected) = (golden.Values("input"), golden.Values("output_step_f64"));
        double[] Linear(string of, IReadOnlyList<double> x)
        {
            var (weight, bias) = (golden.Values($"param.{of}.weight"), golden.Values($"param.{of}.bias"));
            return [.. bias.Select((b, row) => b + Enumerable.Range(0, 32).Sum(i => weight[32 * row + i] * x[i]))];
        }
        float[] Project(string of, double[] x) => [.. Linear($"{of}_proj", x).Select(value => (float)value)];
        var worst = 0.0;
        var y = new float[32];
        for (var sequence = 0; sequence < 2; sequence++)
        {
            var state = new float[recurrence.StateSize];
            for (var t = 0; t < 48; t++)
            {
                var start = (sequence * 48 + t) * 32;
                var x = input[start..(start + 32)];
                recurrence.Step(Project("q", x), Project("k", x), Project("v", x), state, t, y);
                var result = Linear("output_linear", [.. y.Select(value => (double)value)]);
                for (var i = 0; i < 32; i++) worst = Math.Max(worst, Math.Abs(expected[start + i] - result[i]));
            }
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: {worst:E2}");
        Assert.True(worst <= 1e-5, $"error {worst:E2}");
    }

    [Theory]
    [InlineData(0, Discretization.ZeroOrderHold)]
    [InlineData(0, Discretization.Bilinear)]
    [InlineData(1, Discretization.Bilinear)]
    [InlineData(2, Discretization.Bilinear)]
    public void Stepping_equals_the_convolution_of_training_over_a_long_sequence(int rank, Discretization discretization)
    {
        const int Features = 19, State = 16, Length = 1000;
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        var start = Hippo.Decompose(rank == 2 ? HippoMeasure.LegT : HippoMeasure.LegS, 2 * State);
        Tensor Pairs(System.Numerics.Complex[] row) => tensor([.. row.SelectMany(z => new[] { (float)z.Real, (float)z.Imaginary })], [1, State, 2]).repeat(Features, 1, 1);
        var system = new DiagonalSystem(
            full([Features, State], rank == 2 ? -3f : MathF.Log(0.5f)), Pairs(start.Eigenvalues).select(-1, 1), rand(Features, generator: generator) * 4.6 - 6.9,
            Pairs(Hippo.Clip(start.Input)), randn([1, Features, State, 2], generator: generator));
        var lowRank = rank == 0 ? zeros(0, Features, State, 2) : stack([.. start.LowRank.Select(Pairs)]);
        var (u, skip) = (randn([1, Length, Features], generator: generator), randn([1, Features], generator: generator));
        var kernel = rank == 0
            ? StateSpaceKernels.Diagonal(new FusedMath(), system, discretization, Length) : StateSpaceKernels.LowRank(new FusedMath(), system, lowRank, Length);
        var expected = Floats(LongConvolution.Apply(u, kernel, skip));
        var recurrence = new StateSpaceRecurrence(new(
            Features, State, Floats(system.LogDecay), Floats(system.Frequency), Floats(system.LogStep), Floats(system.Input), Floats(system.Output), Floats(skip),
            Floats(lowRank), discretization is Discretization.Bilinear));
        var (state, input, y) = (new float[recurrence.StateSize], Floats(u), new float[Features]);
        double worst = 0, largest = expected.Max(Math.Abs);
        for (var t = 0; t < Length; t++)
        {
            recurrence.Step(input.AsSpan(t * Features, Features), state, y);
            for (var h = 0; h < Features; h++) worst = Math.Max(worst, Math.Abs(expected[t * Features + h] - y[h]));
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"rank {rank}: {worst:E2} of {largest:E2}");
        Assert.True(worst <= 1e-5 * largest, $"error {worst:E2} of {largest:E2}");
    }

    private static float[] Floats(Tensor tensor) => tensor.numel() == 0 ? [] : tensor.contiguous().data<float>().ToArray();

    private static double Gelu(double x)
    {
        // erf by its power series, enough terms for |x| below 5.
        double z = x / Math.Sqrt(2), term = z, sum = z;
        for (var n = 1; n < 120; n++)
        {
            term *= -z * z / n;
            sum += term / (2 * n + 1);
        }
        return Math.Abs(z) > 4 ? (x > 0 ? x : 0) : x / 2 * (1 + 2 / Math.Sqrt(Math.PI) * sum);
    }
}
