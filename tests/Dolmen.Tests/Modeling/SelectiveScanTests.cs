using System.Runtime.Intrinsics;
using Dolmen.Modeling;
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Layers;
using Dolmen.Modeling.Native;
using TorchSharp;
using static Dolmen.Tests.Modeling.KernelComparison;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

/// <summary>Mamba's scan: our kernel against the recurrence written out in libtorch operations, at sizes that fill no vector and no
/// chunk.</summary>
public unsafe class SelectiveScanTests
{
    public static TheoryData<int, int, int, int> Sizes =>
        new()
        {
            { 1, 1, 1, 1 },
            { 2, 1, 5, 16 },
            { 3, 31, 16, 16 },
            { 2, 70, 37, 16 },
            { 1, 33, 33, 3 },
            { 2, 65, 24, 17 },
            { 40, 9, 48, 4 },
            { 1, 100, 600, 8 },
        };

    [Theory, MemberData(nameof(Sizes))]
    public void The_scan_matches_the_recurrence(int batch, int length, int inner, int states)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var scope = NewDisposeScope();
            SameValuesAndGradients(
                type,
                Tolerance(type),
                (math, x) => math.SelectiveScan(x[0], x[1], x[2], x[3], x[4], x[5], x[6]),
                Inputs(type, batch, length, inner, states)
            );
            SameValuesAndGradients(
                type,
                Tolerance(type),
                (math, x) => math.SelectiveScan(x[0], x[1], x[2], x[3], x[4], x[5], null),
                Inputs(type, batch, length, inner, states)[..6]
            );
        }
    }

    [Theory]
    [InlineData(2, 70, 37, 16)]
    [InlineData(1, 5, 7, 3)]
    [InlineData(33, 40, 20, 17)]
    public void Both_widths_agree_with_double(int batch, int length, int inner, int states)
    {
        using var scope = NewDisposeScope();
        var inputs = Inputs(ScalarType.Float32, batch, length, inner, states);
        var expected = ValueAndGradients(
            [.. inputs.Select(x => x.to(ScalarType.Float64))],
            x => PlainMath.SelectiveScan(x[0], x[1], x[2], x[3], x[4], x[5], x[6], stepwise: true)
        );
        Same("512 bits", 2e-5, expected, Kernel<Lanes512, Vector512<float>>(inputs));
        Same("256 bits", 2e-5, expected, Kernel<Lanes256, Vector256<float>>(inputs));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(13)]
    [InlineData(32)]
    public void Step_by_step_and_all_at_once_are_the_same_function(int length)
    {
        using var scope = NewDisposeScope();
        var inputs = Inputs(ScalarType.Float64, 2, length, 5, 3);
        Tensor[] Run(bool stepwise) =>
            ValueAndGradients(inputs, x => PlainMath.SelectiveScan(x[0], x[1], x[2], x[3], x[4], x[5], x[6], stepwise));
        Same("associative", 1e-12, Run(stepwise: true), Run(stepwise: false));
    }

    [Fact]
    public void The_recurrences_gradients_follow_finite_differences()
    {
        using var scope = NewDisposeScope();
        GradientsFollowDifferences(
            x => PlainMath.SelectiveScan(x[0], x[1], x[2], x[3], x[4], x[5], x[6], stepwise: true),
            Inputs(ScalarType.Float64, 2, 6, 3, 2)
        );
    }

    [Fact]
    public void The_number_of_threads_changes_no_bit()
    {
        using var scope = NewDisposeScope();
        var threads = get_num_threads();
        try
        {
            var inputs = Inputs(ScalarType.Float32, 3, 50, 80, 16);
            float[][] Run(int count)
            {
                set_num_threads(count);
                return
                [
                    .. ValueAndGradients(inputs, x => new FusedMath().SelectiveScan(x[0], x[1], x[2], x[3], x[4], x[5], x[6]))
                        .Select(y => y.data<float>().ToArray()),
                ];
            }
            Assert.Equal(Run(1), Run(2));
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Fact]
    public void Slices_of_one_projection_may_be_given_as_they_are()
    {
        using var scope = NewDisposeScope();
        var x = Inputs(ScalarType.Float32, 2, 20, 9, 4);
        var fused = cat([x[3], x[4]], -1);
        var parts = fused.chunk(2, -1);
        var expected = new FusedMath().SelectiveScan(x[0], x[1], x[2], x[3], x[4], x[5], x[6]);
        Assert.Equal(
            expected.data<float>().ToArray(),
            new FusedMath().SelectiveScan(x[0], x[1], x[2], parts[0], parts[1], x[5], x[6]).data<float>().ToArray()
        );
    }

    [Fact]
    public void Huge_steps_forget_and_tiny_ones_keep()
    {
        using var scope = NewDisposeScope();
        var x = Inputs(ScalarType.Float32, 1, 40, 16, 16);
        x[1] = cat([full([1, 20, 16], 300f), full([1, 20, 16], -300f)], 1);
        SameValuesAndGradients(ScalarType.Float32, 2e-5, (math, y) => math.SelectiveScan(y[0], y[1], y[2], y[3], y[4], y[5], y[6]), x);
    }

    [Fact]
    public void A_wrong_shape_is_named_with_both_sizes()
    {
        using var scope = NewDisposeScope();
        var x = Inputs(ScalarType.Float32, 1, 4, 6, 2);
        var error = Assert.Throws<ArgumentException>(() => new FusedMath().SelectiveScan(x[0], x[1], x[2], x[3], x[4], ones(7), null));
        Assert.StartsWith("d is (7), expected (6).", error.Message, StringComparison.Ordinal);
    }

    /// <summary>x, delta, aLog, b, c, d, gate; the parameters in fp32 beside activations in bf16.</summary>
    internal static Tensor[] Inputs(ScalarType type, int batch, int length, int inner, int states)
    {
        var weights = type is ScalarType.BFloat16 ? ScalarType.Float32 : type;
        return
        [
            Random(type, 1, batch, length, inner),
            Random(type, 2, batch, length, inner) - 1,
            Random(weights, 3, inner, states),
            Random(type, 4, batch, length, states),
            Random(type, 5, batch, length, states),
            Random(weights, 6, inner),
            Random(type, 7, batch, length, inner),
        ];
    }

    internal static Tensor[] Kernel<S, V>(Tensor[] inputs, Segments? segments = null) where S : ILanes<V> where V : struct
    {
        var shape = new ScanShape(
            (int)inputs[0].shape[0],
            (int)inputs[0].shape[1],
            (int)inputs[0].shape[2],
            (int)inputs[2].shape[1],
            segments
        );
        var (y, kept) = (empty_like(inputs[0]), empty(shape.KeptStates));
        Tensor[] gradients = [.. inputs.Select(input => empty_like(input))];
        var dy = Random(y.dtype, 5, y.shape);
        SelectiveScanKernel.Forward<S, V, float>(Arrays(inputs), TensorMemory.Pointer<float>(y), TensorMemory.Pointer<float>(kept), shape);
        SelectiveScanKernel.Backward<S, V, float>(
            Arrays(inputs),
            TensorMemory.Pointer<float>(kept),
            TensorMemory.Pointer<float>(dy),
            Arrays(gradients),
            shape
        );
        return [y, .. gradients];
    }

    private static ScanArrays<float> Arrays(Tensor[] x) =>
        new()
        {
            X = TensorMemory.Pointer<float>(x[0]),
            Delta = TensorMemory.Pointer<float>(x[1]),
            ALog = TensorMemory.Pointer<float>(x[2]),
            B = TensorMemory.Pointer<float>(x[3]),
            C = TensorMemory.Pointer<float>(x[4]),
            D = TensorMemory.Pointer<float>(x[5]),
            Gate = TensorMemory.Pointer<float>(x[6]),
        };
}
