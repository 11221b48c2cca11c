using System.Runtime.Intrinsics;
using Dolmen.Modeling;
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Layers;
using TorchSharp;
using static Dolmen.Tests.Modeling.KernelComparison;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

/// <summary>The kernels over packed rows against the plain operations on each segment by itself, in double.</summary>
public class SegmentedKernelTests
{
    private static readonly ScalarType[] Types = [ScalarType.Float32, ScalarType.BFloat16];

    /// <summary>Segments of one position, segments that span the kernels' chunks of 32 and 64 positions, and padding.</summary>
    internal static Segments Rows(bool packed) => packed
        ? PackedRows.Of([1, 70, 1, 33, 32, -13], [150], [64, 3, 2, 1, 80], [5, 5, 5, 5, 5, 5, -120])
        : PackedRows.Of([150], [150], [150], [150]);

    [Fact]
    public void Convolutions_see_zeros_before_a_segment()
    {
        using var scope = NewDisposeScope();
        var segments = Rows(packed: true);
        foreach (var type in Types)
        {
            foreach (var width in new[] { 1, 3, 4, 70 })
            {
                var x = Random(type, 1, 4, 150, 37);
                var (weight, bias) = (Random(ScalarType.Float32, 2, 37, width), Random(ScalarType.Float32, 3, 37));
                SameValuesAndGradients(
                    type,
                    Tolerance(type),
                    (math, y) => math.CausalConv1d(y[0], y[1], y[2], silu: true, segments),
                    x,
                    weight,
                    bias
                );
                SameValuesAndGradients(
                    type,
                    Tolerance(type),
                    (math, y) => math.CausalConv1d(y[0], y[1], null, silu: false, segments),
                    x,
                    weight
                );
            }
        }
    }

    [Fact]
    public void Scans_begin_a_segment_with_an_empty_state()
    {
        using var scope = NewDisposeScope();
        var segments = Rows(packed: true);
        foreach (var type in Types)
        {
            var x = SelectiveScanTests.Inputs(type, 4, 150, 37, 6);
            SameValuesAndGradients(
                type,
                Tolerance(type),
                (math, y) => math.SelectiveScan(y[0], y[1], y[2], y[3], y[4], y[5], y[6], segments),
                x
            );
            SameValuesAndGradients(
                type,
                Tolerance(type),
                (math, y) => math.SelectiveScan(y[0], y[1], y[2], y[3], y[4], y[5], null, segments),
                x[..6]
            );
        }
    }

    [Fact]
    public void State_space_duals_begin_a_segment_with_an_empty_state()
    {
        using var scope = NewDisposeScope();
        var segments = Rows(packed: true);
        foreach (var type in Types)
        {
            var x = StateSpaceDualTests.Inputs(type, 4, 150, 6, 10, 2, 7);
            SameValuesAndGradients(
                type,
                Tolerance(type),
                (math, y) => math.StateSpaceDual(y[0], y[1], y[2], y[3], y[4], y[5], segments),
                x
            );
        }
    }

    [Fact]
    public void Both_vector_widths_agree_with_double()
    {
        using var scope = NewDisposeScope();
        var segments = Rows(packed: true);
        Tensor[] Wide(Tensor[] inputs) => [.. inputs.Select(x => x.to(ScalarType.Float64))];
        var plain = new PlainMath();

        Tensor[] conv =
        [
            Random(ScalarType.Float32, 1, 4, 150, 37),
            Random(ScalarType.Float32, 2, 37, 4),
            Random(ScalarType.Float32, 3, 37),
        ];
        var expected = ValueAndGradients(Wide(conv), x => plain.CausalConv1d(x[0], x[1], x[2], silu: true, segments));
        Same("convolution, 512 bits", 1e-5, expected, CausalConvTests.Kernel<Lanes512, Vector512<float>>(conv, segments));
        Same("convolution, 256 bits", 1e-5, expected, CausalConvTests.Kernel<Lanes256, Vector256<float>>(conv, segments));

        var scan = SelectiveScanTests.Inputs(ScalarType.Float32, 4, 150, 37, 6);
        expected = ValueAndGradients(Wide(scan), x => plain.SelectiveScan(x[0], x[1], x[2], x[3], x[4], x[5], x[6], segments));
        Same("scan, 512 bits", 2e-5, expected, SelectiveScanTests.Kernel<Lanes512, Vector512<float>>(scan, segments));
        Same("scan, 256 bits", 2e-5, expected, SelectiveScanTests.Kernel<Lanes256, Vector256<float>>(scan, segments));

        var dual = StateSpaceDualTests.Inputs(ScalarType.Float32, 4, 150, 6, 10, 2, 7);
        expected = ValueAndGradients(Wide(dual), x => plain.StateSpaceDual(x[0], x[1], x[2], x[3], x[4], x[5], segments));
        Same("dual, 512 bits", 2e-5, expected, StateSpaceDualTests.Kernel<Lanes512, Vector512<float>>(dual, segments));
        Same("dual, 256 bits", 2e-5, expected, StateSpaceDualTests.Kernel<Lanes256, Vector256<float>>(dual, segments));
    }

    [Fact]
    public void Segments_that_are_whole_rows_give_the_bits_of_no_segments()
    {
        using var scope = NewDisposeScope();
        using var pattern = new AttentionPattern(4, 2, 6, new RotaryTable(150, 6, 10000), Window: 20);
        var rows = Rows(packed: false);
        var fused = new FusedMath();
        void SameBits(Tensor[] inputs, Func<Tensor[], Segments?, Tensor> run)
        {
            var (with, without) = (ValueAndGradients(inputs, x => run(x, rows)), ValueAndGradients(inputs, x => run(x, null)));
            Assert.Equal(inputs.Length + 1, with.Length);
            Assert.Equal(with.Length, without.Length);
            foreach (var (a, b) in with.Zip(without)) Assert.Equal(b.data<float>().ToArray(), a.data<float>().ToArray());
        }
        SameBits([Random(ScalarType.Float32, 1, 4, 150, 8 * 6)], (x, segments) => fused.CausalAttention(x[0], pattern, segments));
        SameBits([Random(ScalarType.Float32, 1, 4, 150, 37), Random(ScalarType.Float32, 2, 37, 4)],
            (x, segments) => fused.CausalConv1d(x[0], x[1], null, silu: true, segments));
        SameBits(SelectiveScanTests.Inputs(ScalarType.Float32, 4, 150, 37, 6),
            (x, segments) => fused.SelectiveScan(x[0], x[1], x[2], x[3], x[4], x[5], x[6], segments));
        SameBits(StateSpaceDualTests.Inputs(ScalarType.Float32, 4, 150, 6, 10, 2, 7),
            (x, segments) => fused.StateSpaceDual(x[0], x[1], x[2], x[3], x[4], x[5], segments));
    }

    [Fact]
    public void The_number_of_threads_changes_no_bit()
    {
        using var scope = NewDisposeScope();
        var (threads, segments) = (get_num_threads(), Rows(packed: true));
        try
        {
            var inputs = SelectiveScanTests.Inputs(ScalarType.Float32, 4, 150, 80, 6);
            float[][] Run(int count)
            {
                set_num_threads(count);
                var results = ValueAndGradients(
                    inputs,
                    x => new FusedMath().SelectiveScan(x[0], x[1], x[2], x[3], x[4], x[5], x[6], segments)
                );
                return [.. results.Select(y => y.data<float>().ToArray())];
            }
            Assert.Equal(Run(1), Run(2));
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Fact]
    public void Operations_on_whole_rows_get_each_segment_as_a_row()
    {
        using var scope = NewDisposeScope();
        var segments = Rows(packed: true);
        // A causal operation whose answer is known: the running sum of a segment's own values.
        var x = Random(ScalarType.Float64, 1, 4, 150, 3).requires_grad_(true);
        var unpacked = segments.Unpacked(x, rows => rows.cumsum(1));
        (unpacked * Random(ScalarType.Float64, 2, 4, 150, 3)).sum().backward();
        var (gradient, values, weights) = (x.grad!, x.detach(), Random(ScalarType.Float64, 2, 4, 150, 3));
        foreach (var segment in segments.All)
        {
            Tensor Own(Tensor y) => y.select(0, segment.Row).narrow(0, segment.Start, segment.Length);
            Assert.True((Own(unpacked.detach()) - Own(values).cumsum(0)).abs().max().item<double>() < 1e-12);
            Assert.True((Own(gradient) - Own(weights).flip(0).cumsum(0).flip(0)).abs().max().item<double>() < 1e-12);
        }
    }

    [Fact]
    public void Segments_must_cover_every_position_once()
    {
        Assert.Equal(4, PackedRows.Of([3, -2], [1, 4]).Count);
        Assert.Throws<ArgumentException>(() => new Segments(1, 5, [new(0, 0, 4)]));
        Assert.Throws<ArgumentException>(() => new Segments(1, 5, [new(0, 0, 2), new(0, 3, 2)]));
        Assert.Throws<ArgumentException>(() => new Segments(2, 5, [new(0, 0, 6), new(1, 1, 4)]));
        using var scope = NewDisposeScope();
        var segments = PackedRows.Of([3, 2], [5]);
        var error = Assert.Throws<ArgumentException>(() =>
            new FusedMath().CausalConv1d(ones(2, 6, 3), ones(3, 4), null, silu: true, segments)
        );
        Assert.StartsWith(
            "The segments are of 2 rows of 5 positions, but the tensor has 2 rows of 6.",
            error.Message,
            StringComparison.Ordinal
        );
    }
}
