using Dolmen.Checkpoints;
using Dolmen.Modeling.Layers;
using Dolmen.Modeling.Mixers;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Tests.Modeling;

/// <summary>S4, S4D and H3 against the authors' own code: kernels and outputs in double, all gradients, and our kernels in float.</summary>
public class StateSpaceGoldenTests
{
    // Their gradients and their C̃ are of float computations, so that their own rounding is the limit.
    private const double GradientTolerance = 5e-5;

    public static TheoryData<ScalarType> Types => [ScalarType.Float64, ScalarType.Float32];

    [Theory, MemberData(nameof(Types))]
    public void S4d_lin_by_hold_is_the_authors(ScalarType type) => Diagonal("s4d_zoh_lin", Discretization.ZeroOrderHold, type);

    [Theory, MemberData(nameof(Types))]
    public void S4d_inv_by_trapezoids_is_the_authors(ScalarType type) => Diagonal("s4d_bilinear_inv", Discretization.Bilinear, type);

    [Theory, MemberData(nameof(Types))]
    public void S4d_legs_with_two_channels_is_the_authors(ScalarType type) =>
        Diagonal("s4d_zoh_legs_2ch", Discretization.ZeroOrderHold, type);

    [Theory, MemberData(nameof(Types))]
    public void The_minimal_s4d_layer_is_the_authors(ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var golden = new StateSpaceGolden("s4d_layer", type);
        var c = golden.Parameter("kernel.C");                                   // (H, N, 2)
        var one = cat([ones_like(c.narrow(-1, 0, 1)), zeros_like(c.narrow(-1, 0, 1))], -1);
        var system = new DiagonalSystem(
            golden.Parameter("kernel.log_A_real"),
            golden.Parameter("kernel.A_imag"),
            golden.Parameter("kernel.log_dt"),
            one,
            c.unsqueeze(0)
        );
        var kernel = StateSpaceKernels.Diagonal(Math(type), system, Discretization.ZeroOrderHold, 64);
        golden.Check("kernel_f64", kernel.squeeze(0), Tolerance(type));
        var x = functional.gelu(LongConvolution.Apply(golden["input"].transpose(1, 2), kernel, golden.Parameter("D").unsqueeze(0)));
        var y = functional.glu(
            functional.linear(x, golden.Parameter("output_linear.0.weight").squeeze(-1), golden.Parameter("output_linear.0.bias")),
            -1
        );
        golden.Check("output_f64", y.transpose(1, 2), Tolerance(type));
        golden.CheckGradients(y.transpose(1, 2), GradientTolerance);
    }

    [Theory, MemberData(nameof(Types))]
    public void S4_legs_is_the_authors(ScalarType type) => LowRank("s4_legs", type);

    [Theory, MemberData(nameof(Types))]
    public void S4_legt_of_rank_two_is_the_authors(ScalarType type) => LowRank("s4_legt_rank2", type);

    [Theory, MemberData(nameof(Types))]
    public void The_s4_block_is_the_authors(ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var golden = new StateSpaceGolden("s4_block", type);
        var y = S4Layer(golden, "layer.");
        y = functional.glu(functional.linear(y, golden.Parameter("output_linear.0.weight"), golden.Parameter("output_linear.0.bias")), -1);
        golden.Check("output_f64", y, 2e-5);
        golden.CheckGradients(y, GradientTolerance);
    }

    [Theory, MemberData(nameof(Types))]
    public void H3_is_the_authors(ScalarType type) => H3("h3_headdim1", Discretization.Bilinear, type);

    [Theory, MemberData(nameof(Types))]
    public void H3_with_wide_heads_is_the_authors(ScalarType type) => H3("h3_headdim8", Discretization.ZeroOrderHold, type);

    private static LayerMath Math(ScalarType type) => type is ScalarType.Float64 ? new PlainMath() : new FusedMath();

    private static double Tolerance(ScalarType type) => type is ScalarType.Float64 ? 1e-10 : 2e-5;

    private static void Diagonal(string name, Discretization discretization, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var golden = new StateSpaceGolden(name, type);
        var kernel = StateSpaceKernels.Diagonal(Math(type), golden.System(), discretization, 64);
        golden.Check("kernel_f64", kernel, Tolerance(type));
        var y = functional.gelu(LongConvolution.Apply(golden["input"], kernel, golden.Parameter("D")));
        golden.Check("output_f64", y, Tolerance(type));
        golden.CheckGradients(y, GradientTolerance);
    }

    private static void LowRank(string name, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var golden = new StateSpaceGolden(name, type);
        var y = S4Layer(golden, "");
        golden.Check("output_f64", y, 2e-5);
        golden.CheckGradients(y, GradientTolerance);
    }

    /// <summary>The goldens' C is C̃ (rounded to float) once the first forward pass has run, and C before it: ours must lead from one to
    /// the other. The kernel in double is compared from C; outputs and gradients are those at the rounded C̃.</summary>
    private static Tensor S4Layer(StateSpaceGolden golden, string prefix)
    {
        var (system, lowRank) = (golden.System($"{prefix}kernel."), golden.Parameter($"{prefix}kernel.P"));
        var before = system with { Output = golden[$"param_init.{prefix}kernel.C"] };
        golden.Check($"param.{prefix}kernel.C", StateSpaceKernels.TruncatedOutput(before, lowRank, 64), 5e-5);      // theirs is in float
        golden.Check("kernel_f64", StateSpaceKernels.LowRank(Math(golden.Type), before, lowRank, 64), Tolerance(golden.Type));
        var kernel = StateSpaceKernels.LowRankTruncated(Math(golden.Type), system, lowRank, 64);
        return functional.gelu(LongConvolution.Apply(golden["input"], kernel, golden.Parameter($"{prefix}D")));
    }

    private static void H3(string name, Discretization discretization, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var golden = new StateSpaceGolden(name, type);
        var system = new DiagonalSystem(
            golden.Parameter("kernel.kernel.inv_A_real"),
            golden.Parameter("kernel.kernel.A_imag"),
            golden.Parameter("kernel.kernel.log_dt"),
            golden.Parameter("kernel.kernel.B"),
            golden.Parameter("kernel.kernel.C")
        );
        var kernel = StateSpaceKernels.Diagonal(Math(type), system, discretization, 48);
        golden.Check("kernel_diag", kernel, 1e-5);
        var shift = StateSpaceKernels.Shift(
            golden.Parameter("ssm_k_kernel.kernel.B"),
            golden.Parameter("ssm_k_kernel.kernel.C").squeeze(0),
            48
        );
        golden.Check("kernel_shift", functional.pad(shift, [0, 48 - shift.shape[2]]), 1e-5);
        Tensor Project(string of) =>
            functional.linear(golden["input"], golden.Parameter($"{of}_proj.weight"), golden.Parameter($"{of}_proj.bias"));
        var y = H3Gates.Apply(
            Project("q"),
            Project("k"),
            Project("v"),
            shift,
            golden.Parameter("ssm_k_D").unsqueeze(0),
            kernel,
            golden.Parameter("D").unsqueeze(0)
        );
        y = functional.linear(y, golden.Parameter("output_linear.weight"), golden.Parameter("output_linear.bias"));
        golden.Check("output_step_f64", y, Tolerance(type));
        golden.CheckGradients(y, GradientTolerance);
    }
}
