using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Inference.Layers;
using Dolmen.Inference.Mixers;
using Dolmen.Modeling.Layers;
using Dolmen.Modeling.Mixers;
using Dolmen.Tests.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Tests.Inference;

/// <summary>The recurrences against the authors' step by step outputs in double, and against the convolutions that training uses.</summary>
public class StateSpaceRecurrenceTests
{
    [Theory]
    [InlineData("s4d_zoh_lin", StateSpaceStart.DiagonalLin, Discretization.ZeroOrderHold)]
    [InlineData("s4d_bilinear_inv", StateSpaceStart.DiagonalInv, Discretization.Bilinear)]
    [InlineData("s4_legs", StateSpaceStart.LegS, Discretization.Bilinear)]
    [InlineData("s4_legt_rank2", StateSpaceStart.LegT, Discretization.Bilinear)]
    public void Stepping_gives_the_authors_outputs_and_states(string name, StateSpaceStart start, Discretization discretization)
    {
        using var golden = new StateSpaceGolden(name, ScalarType.Float64);
        var spec = new StateSpaceSpec("", 16, 16, start, discretization);
        // The repository writes A = −exp(A_real) − i·A_imag, and P as ours; its C before the first pass is the true one.
        using var weights = Weights(tensor => tensor switch
        {
            "D" => golden.Floats("param.D"),
            "C" => golden.Floats("param_init.kernel.C"),
            "log_dt" => golden.Floats("param.kernel.inv_dt"),
            "A_imag" => [.. golden.Floats("param.kernel.A_imag").Select(x => -x)],
            _ => golden.Floats($"param.kernel.{tensor}"),
        });
        using var cell = new StateSpaceCell(spec, weights);
        var (input, expected, theirs) = (golden.Floats("input"), golden.Values("output_step_f64"), golden.Values("final_state"));
        var worst = 0.0;
        for (var sequence = 0; sequence < 2; sequence++)
        {
            var (y, state) = Run(cell, 16, input[(sequence * 1024)..((sequence + 1) * 1024)]);
            for (var i = 0; i < y.Length; i++) worst = Math.Max(worst, Math.Abs(expected[sequence * 1024 + i] - Gelu(y[i])));
            for (var h = 0; h < 16; h++)
            {
                for (var n = 0; n < 8; n++)
                {
                    var at = (sequence * 16 + h) * (spec.Rank > 0 ? 16 : 8) + n;             // (2, H, M or 2M, 2): the first M are ours
                    Assert.Equal(theirs[2 * at], state[2 * n * 16 + h], 2e-5);
                    Assert.Equal(theirs[2 * at + 1], state[(2 * n + 1) * 16 + h], 2e-5);
                }
            }
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: {worst:E2}");
        Assert.True(worst <= 1e-5, $"error {worst:E2}");
    }

    [Theory]
    [InlineData("h3_headdim1", 1, StateSpaceStart.DiagonalLin, Discretization.Bilinear)]
    [InlineData("h3_headdim8", 8, StateSpaceStart.DiagonalInv, Discretization.ZeroOrderHold)]
    public unsafe void H3_gives_the_authors_outputs_token_by_token_and_in_chunks(
        string name,
        int headDim,
        StateSpaceStart start,
        Discretization discretization
    )
    {
        using var golden = new StateSpaceGolden(name, ScalarType.Float64);
        LinearPart Part(string part) => new($"{part}.weight", 32, $"{part}.bias");
        var spec = new H3Spec(32, 16, new LinearSpec(32, [Part("q_proj"), Part("k_proj"), Part("v_proj")]), "ssm_k_kernel.kernel.",
            new StateSpaceSpec("kernel.kernel.", 32 / headDim, 16, start, discretization), new LinearSpec(32, [Part("output_linear")]));
        using var weights = Weights(tensor => golden.Floats("param." + tensor switch
        {
            "ssm_k_kernel.kernel.D" => "ssm_k_D",
            "kernel.kernel.D" => "D",
            "kernel.kernel.A_real" => "kernel.kernel.inv_A_real",
            _ => tensor,
        }));
        using var mixer = new H3Recurrence(spec, weights);
        using var pass = new DecodePass(2);
        var (input, expected) = (golden.Floats("input"), golden.Values("output_step_f64"));
        var worst = 0.0;
        foreach (var chunk in new[] { 1, 7, 48 })
        {
            for (var sequence = 0; sequence < 2; sequence++)
            {
                using var state = new DecodeState([mixer.NewState(new StateMemory())], 48);
                for (var t = 0; t < 48; t += chunk)
                {
                    var m = Math.Min(chunk, 48 - t);
                    var y = new float[m * mixer.OutputStride];
                    var x = input.AsSpan((sequence * 48 + t) * 32, m * 32).ToArray();
                    var rows = PassRows.Of([new SequenceSlice(state, new int[m])], most: 49).Single();
                    fixed (float* from = x, to = y) mixer.Forward(from, rows, 0, to, pass);
                    state.Advance(m);
                    for (var row = 0; row < m; row++)
                    for (var i = 0; i < 32; i++)
                        worst = Math.Max(worst, Math.Abs(expected[(sequence * 48 + t + row) * 32 + i] - y[row * mixer.OutputStride + i]));
                }
            }
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: {worst:E2}");
        Assert.True(worst <= 1e-5, $"error {worst:E2}");
    }

    [Theory]
    [InlineData(StateSpaceStart.DiagonalLegS, Discretization.ZeroOrderHold)]
    [InlineData(StateSpaceStart.DiagonalLegS, Discretization.Bilinear)]
    [InlineData(StateSpaceStart.LegS, Discretization.Bilinear)]
    [InlineData(StateSpaceStart.LegT, Discretization.Bilinear)]
    public void Stepping_equals_the_convolution_of_training_over_a_long_sequence(StateSpaceStart start, Discretization discretization)
    {
        const int Features = 19, Length = 1000;
        using var scope = NewDisposeScope();
        var spec = new StateSpaceSpec("", Features, 32, start, discretization);
        var layout = new Dolmen.Modeling.WeightLayout();
        spec.Declare(layout);
        using var store = new Dolmen.Modeling.ParameterStore(layout.Specs, Dolmen.Modeling.Compute.Host());
        store.Initialize(3);
        using var generator = new torch.Generator(3);
        var u = randn([1, Length, Features], generator: generator);
        var expected = LongConvolution
            .Apply(u, spec.Kernel(new FusedMath(), store, Length), store[spec.Skip].unsqueeze(0))
            .data<float>()
            .ToArray();
        using var weights = Weights(name => store.Weights(name).ToArray());
        using var cell = new StateSpaceCell(spec, weights);
        var (y, _) = Run(cell, Features, u.data<float>().ToArray());
        double largest = expected.Max(Math.Abs), worst = expected.Zip(y, (a, b) => Math.Abs(a - b)).Max();
        TestContext.Current.TestOutputHelper?.WriteLine($"{start}: {worst:E2} of {largest:E2}");
        Assert.True(worst <= 1e-5 * largest, $"error {worst:E2} of {largest:E2}");
    }

    private static WeightSource Weights(Func<string, float[]> read) => new(name => read(name), _ => TensorDtype.Float32);

    /// <summary>All rows of u (T, H) through every block; the state is (blocks, Inner, 16).</summary>
    private static unsafe (float[] Y, float[] State) Run(StateSpaceCell cell, int features, float[] u)
    {
        var (y, state, padded) = (new float[u.Length], new float[cell.Blocks * cell.Inner * 16], new float[u.Length + 16]);
        u.CopyTo(padded, 0);
        fixed (float* from = padded, to = y, x = state)
        {
            for (var block = 0; block < cell.Blocks; block++)
            {
                cell.Forward(
                    block,
                    u.Length / features,
                    from + 16 * block,
                    features,
                    to + 16 * block,
                    features,
                    Math.Min(16, features - 16 * block),
                    x + block * cell.Inner * 16
                );
            }
        }
        return (y, state);
    }

    private static double Gelu(double x)
    {
        // erf by its power series.
        double z = x / Math.Sqrt(2), term = z, sum = z;
        for (var n = 1; n < 120; n++)
        {
            term *= -z * z / n;
            sum += term / (2 * n + 1);
        }
        return Math.Abs(z) > 4 ? Math.Max(x, 0) : x / 2 * (1 + 2 / Math.Sqrt(Math.PI) * sum);
    }
}
