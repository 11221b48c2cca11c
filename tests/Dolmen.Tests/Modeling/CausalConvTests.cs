using System.Runtime.Intrinsics;
using Dolmen.Modeling;
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Layers;
using Dolmen.Modeling.Native;
using TorchSharp;
using static Dolmen.Tests.Modeling.KernelComparison;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

public unsafe class CausalConvTests
{
    public static TheoryData<int, int, int, int> Sizes =>
        new()
        {
            { 1, 1, 1, 4 },
            { 2, 3, 5, 4 },
            { 3, 64, 16, 4 },
            { 2, 67, 37, 4 },
            { 1, 130, 40, 3 },
            { 2, 20, 33, 1 },
            { 2, 90, 24, 70 },
            { 40, 66, 600, 2 },
        };

    [Theory, MemberData(nameof(Sizes))]
    public void The_convolution_matches_libtorchs(int batch, int length, int channels, int width)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var scope = NewDisposeScope();
            var x = Random(type, 1, batch, length, channels);
            var (weight, bias) = (Random(ScalarType.Float32, 2, channels, width), Random(ScalarType.Float32, 3, channels));
            SameValuesAndGradients(type, Tolerance(type), (math, y) => math.CausalConv1d(y[0], y[1], y[2], silu: true), x, weight, bias);
            SameValuesAndGradients(type, Tolerance(type), (math, y) => math.CausalConv1d(y[0], y[1], null, silu: true), x, weight);
            SameValuesAndGradients(type, Tolerance(type), (math, y) => math.CausalConv1d(y[0], y[1], y[2], silu: false), x, weight, bias);
        }
    }

    [Theory]
    [InlineData(2, 67, 37, 4)]
    [InlineData(1, 5, 3, 3)]
    public void Both_widths_agree_with_double(int batch, int length, int channels, int width)
    {
        using var scope = NewDisposeScope();
        Tensor[] inputs =
        [
            Random(ScalarType.Float32, 1, batch, length, channels),
            Random(ScalarType.Float32, 2, channels, width),
            Random(ScalarType.Float32, 3, channels),
        ];
        var expected = ValueAndGradients(
            [.. inputs.Select(x => x.to(ScalarType.Float64))],
            x => new PlainMath().CausalConv1d(x[0], x[1], x[2], silu: true)
        );
        Same("512 bits", 1e-5, expected, Kernel<Lanes512, Vector512<float>>(inputs));
        Same("256 bits", 1e-5, expected, Kernel<Lanes256, Vector256<float>>(inputs));
    }

    [Fact]
    public void The_references_gradients_follow_finite_differences()
    {
        using var scope = NewDisposeScope();
        GradientsFollowDifferences(x => new PlainMath().CausalConv1d(x[0], x[1], x[2], silu: true),
            Random(ScalarType.Float64, 1, 2, 5, 3), Random(ScalarType.Float64, 2, 3, 4), Random(ScalarType.Float64, 3, 3));
    }

    [Fact]
    public void A_later_input_changes_no_earlier_output()
    {
        using var scope = NewDisposeScope();
        var (x, weight) = (Random(ScalarType.Float32, 1, 1, 70, 20), Random(ScalarType.Float32, 2, 20, 4));
        var changed = x.clone();
        changed.select(1, 66).fill_(9);
        var (y, z) = (
            new FusedMath().CausalConv1d(x, weight, null, silu: true),
            new FusedMath().CausalConv1d(changed, weight, null, silu: true)
        );
        Assert.Equal(0, (y - z).slice(1, 0, 66, 1).abs().max().item<float>());
        Assert.True((y - z).select(1, 66).abs().max().item<float>() > 0);
    }

    internal static Tensor[] Kernel<S, V>(Tensor[] inputs, Segments? segments = null) where S : ILanes<V> where V : struct
    {
        var shape = new ConvShape(
            (int)inputs[0].shape[0],
            (int)inputs[0].shape[1],
            (int)inputs[0].shape[2],
            (int)inputs[1].shape[1],
            Silu: true,
            segments
        );
        var y = empty_like(inputs[0]);
        Tensor[] gradients = [.. inputs.Select(input => empty_like(input))];
        var dy = Random(y.dtype, 5, y.shape);
        float* x = TensorMemory.Pointer<float>(inputs[0]),
            weight = TensorMemory.Pointer<float>(inputs[1]),
            bias = TensorMemory.Pointer<float>(inputs[2]);
        CausalConvKernel.Forward<S, V, float>(x, weight, bias, TensorMemory.Pointer<float>(y), shape);
        CausalConvKernel.Backward<S, V, float>(
            x,
            weight,
            bias,
            TensorMemory.Pointer<float>(dy),
            TensorMemory.Pointer<float>(gradients[0]),
            TensorMemory.Pointer<float>(gradients[1]),
            TensorMemory.Pointer<float>(gradients[2]),
            shape
        );
        return [y, .. gradients];
    }
}
