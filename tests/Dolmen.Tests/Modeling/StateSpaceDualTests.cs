using System.Runtime.Intrinsics;
using Dolmen.Modeling;
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Layers;
using Dolmen.Modeling.Native;
using TorchSharp;
using static Dolmen.Tests.Modeling.KernelComparison;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

/// <summary>Mamba-2's scan and gated norm: ours against the recurrence and the formula in libtorch operations.</summary>
public unsafe class StateSpaceDualTests
{
    public static TheoryData<int, int, int, int, int, int> Sizes => new()
    {
        { 1, 1, 1, 1, 1, 1 }, { 2, 64, 4, 16, 1, 16 }, { 2, 65, 4, 5, 2, 3 }, { 1, 130, 6, 17, 3, 17 }, { 3, 70, 2, 33, 2, 48 },
    };

    [Theory, MemberData(nameof(Sizes))]
    public void The_dual_form_matches_the_recurrence(int batch, int length, int heads, int headDim, int groups, int states)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var scope = NewDisposeScope();
            var x = Inputs(type, batch, length, heads, headDim, groups, states);
            SameValuesAndGradients(type, Tolerance(type), (math, y) => math.StateSpaceDual(y[0], y[1], y[2], y[3], y[4], y[5]), x);
            x[1] = x[1].to(type);
            SameValuesAndGradients(type, Tolerance(type), (math, y) => math.StateSpaceDual(y[0], y[1], y[2], y[3], y[4], y[5]), x);
        }
    }

    [Theory]
    [InlineData(2, 65, 4, 37, 2, 17)]
    [InlineData(33, 7, 2, 5, 1, 3)]
    public void Both_widths_agree_with_double(int batch, int length, int heads, int headDim, int groups, int states)
    {
        using var scope = NewDisposeScope();
        var inputs = Inputs(ScalarType.Float32, batch, length, heads, headDim, groups, states);
        var expected = ValueAndGradients(
            [.. inputs.Select(x => x.to(ScalarType.Float64))],
            y => new PlainMath().StateSpaceDual(y[0], y[1], y[2], y[3], y[4], y[5])
        );
        Same("512 bits", 2e-5, expected, Kernel<Lanes512, Vector512<float>>(inputs));
        Same("256 bits", 2e-5, expected, Kernel<Lanes256, Vector256<float>>(inputs));
    }

    [Theory]
    [InlineData(1, 8)]
    [InlineData(8, 8)]
    [InlineData(29, 8)]
    public void Chunks_in_libtorch_are_the_same_function(int length, int chunk)
    {
        using var scope = NewDisposeScope();
        var x = Inputs(ScalarType.Float64, 2, length, 4, 3, 2, 5);
        Same("chunks", 1e-12, ValueAndGradients(x, y => new PlainMath().StateSpaceDual(y[0], y[1], y[2], y[3], y[4], y[5])),
            ValueAndGradients(x, y => PlainMath.DualChunks(y[0], y[1], y[2], y[3], y[4], y[5], chunk)));
    }

    [Fact]
    public void The_recurrences_gradients_follow_finite_differences()
    {
        using var scope = NewDisposeScope();
        GradientsFollowDifferences(
            y => new PlainMath().StateSpaceDual(y[0], y[1], y[2], y[3], y[4], y[5]),
            Inputs(ScalarType.Float64, 2, 5, 4, 3, 2, 2)
        );
    }

    [Fact]
    public void Strong_decay_neither_overflows_nor_divides_by_zero()
    {
        using var scope = NewDisposeScope();
        var x = Inputs(ScalarType.Float32, 1, 130, 2, 8, 1, 4);
        x[1] = full([1, 130, 2], 60f);
        SameValuesAndGradients(ScalarType.Float32, 2e-5, (math, y) => math.StateSpaceDual(y[0], y[1], y[2], y[3], y[4], y[5]), x);
    }

    [Theory]
    [InlineData(7, 13)]
    [InlineData(65, 80)]
    public void The_gated_norm_matches_its_formula(int rows, int d)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var scope = NewDisposeScope();
            SameValuesAndGradients(type, Tolerance(type), (math, x) => math.GatedRmsNorm(x[0], x[1], x[2], 1e-5),
                Random(type, 1, 2, rows, d), Random(type, 2, 2, rows, d), Random(ScalarType.Float32, 3, d));
        }
    }

    [Fact]
    public void Heads_that_groups_do_not_divide_are_refused()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() =>
            new FusedMath().StateSpaceDual(ones(1, 2, 3, 4), ones(1, 2, 3), ones(3), ones(1, 2, 2, 5), ones(1, 2, 2, 5), ones(3)));
        Assert.StartsWith("b has 2 groups for 3 heads", error.Message, StringComparison.Ordinal);
    }

    /// <summary>x, delta, aLog, b, c, d; delta and the parameters in fp32 beside activations in bf16.</summary>
    internal static Tensor[] Inputs(ScalarType type, int batch, int length, int heads, int headDim, int groups, int states)
    {
        var weights = type is ScalarType.BFloat16 ? ScalarType.Float32 : type;
        var delta = nn.functional.softplus(Random(weights, 2, batch, length, heads) - 2);
        return
        [
            Random(type, 1, batch, length, heads, headDim), delta, Random(weights, 3, heads),
            Random(type, 4, batch, length, groups, states), Random(type, 5, batch, length, groups, states), Random(weights, 6, heads),
        ];
    }

    internal static Tensor[] Kernel<S, V>(Tensor[] inputs, Segments? segments = null) where S : ILanes<V> where V : struct
    {
        var (x, b) = (inputs[0].shape, inputs[3].shape);
        var shape = new DualShape((int)x[0], (int)x[1], (int)x[2], (int)x[3], (int)b[2], (int)b[3], segments);
        var (y, kept) = (empty_like(inputs[0]), empty(shape.KeptStates));
        Tensor[] gradients = [.. inputs.Select(input => empty_like(input))];
        var dy = Random(y.dtype, 5, y.shape);
        StateSpaceDualKernel.Forward<S, V, float>(Arrays(inputs), TensorMemory.Pointer<float>(y), TensorMemory.Pointer<float>(kept), shape);
        StateSpaceDualKernel.Backward<S, V, float>(
            Arrays(inputs),
            TensorMemory.Pointer<float>(kept),
            TensorMemory.Pointer<float>(dy),
            Arrays(gradients),
            shape
        );
        return [y, .. gradients];
    }

    private static DualArrays<float> Arrays(Tensor[] x) => new()
    {
        X = TensorMemory.Pointer<float>(x[0]), Delta = TensorMemory.Pointer<float>(x[1]), ALog = TensorMemory.Pointer<float>(x[2]),
        B = TensorMemory.Pointer<float>(x[3]), C = TensorMemory.Pointer<float>(x[4]), D = TensorMemory.Pointer<float>(x[5]),
    };
}
