using System.Numerics;
using Dolmen.Checkpoints;
using Dolmen.Modeling.Mixers;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

public class HippoTests
{
    public static TheoryData<HippoMeasure, string> Measures => new()
    {
        { HippoMeasure.LegS, "legs" }, { HippoMeasure.LegT, "legt" }, { HippoMeasure.Fourier, "fout" },
    };

    [Theory, MemberData(nameof(Measures))]
    public void Transitions_and_their_eigenvalues_are_the_authors(HippoMeasure measure, string name)
    {
        using var golden = new StateSpaceGolden("hippo", ScalarType.Float64);
        var (a, b) = Hippo.Transition(measure, 16);
        Close(golden.Values($"{name}.A"), [.. a.Cast<double>()], 1e-12);
        Close(golden.Values($"{name}.B"), b, 1e-12);
        Close(golden.Values($"{name}.P_real"), [.. Hippo.LowRank(measure, 16).SelectMany(row => row)], 1e-6);
        var form = Hippo.Decompose(measure, 16);
        Close(golden.Values($"{name}.nplr.W"), [.. form.Eigenvalues.SelectMany(Parts)], name == "fout" ? 1e-6 : 1e-10);
        // The phase of an eigenvector is free: moduli and products without it are not.
        var (theirB, theirP) = (Complexes(golden.Values($"{name}.nplr.B")), Complexes(golden.Values($"{name}.nplr.P")));
        var ourP = form.LowRank.SelectMany(row => row).ToArray();
        Close([.. theirB.Select(z => z.Magnitude)], [.. form.Input.Select(z => z.Magnitude)], 1e-6);
        Close([.. theirP.Select(z => z.Magnitude)], [.. ourP.Select(z => z.Magnitude)], 1e-6);
        Close(
            [.. theirP.SelectMany((z, i) => Parts(Complex.Conjugate(z) * theirB[i % 8]))],
            [.. ourP.SelectMany((z, i) => Parts(Complex.Conjugate(z) * form.Input[i % 8]))],
            1e-6
        );
    }

    [Theory]
    [InlineData(HippoMeasure.LegS, 64)]
    [InlineData(HippoMeasure.LegT, 64)]
    [InlineData(HippoMeasure.Fourier, 32)]
    public void The_decomposition_makes_the_matrix_again(HippoMeasure measure, int n)
    {
        var (a, b) = Hippo.Transition(measure, n);
        var form = Hippo.Decompose(measure, n);
        double worst = 0, largest = 0;
        for (var i = 0; i < n; i++)
        {
            Assert.Equal(b[i], 2 * form.Vectors.Select((v, m) => v[i] * form.Input[m]).Aggregate(Complex.Zero, (x, y) => x + y).Real, 1e-9);
            for (var j = 0; j < n; j++)
            {
                var sum =
                    2
                    * form.Vectors.Select((v, m) => form.Eigenvalues[m] * v[i] * Complex.Conjugate(v[j]))
                        .Aggregate(Complex.Zero, (x, y) => x + y)
                        .Real;
                sum -= Hippo.LowRank(measure, n).Sum(row => row[i] * row[j]);
                (worst, largest) = (Math.Max(worst, Math.Abs(sum - a[i, j])), Math.Max(largest, Math.Abs(a[i, j])));
            }
        }
        Assert.True(worst <= 1e-12 * largest, $"A comes back with an error of {worst:E2} of {largest:E2}");
    }

    [Theory]
    [InlineData(StateSpaceStart.DiagonalLin, "s4d_lin")]
    [InlineData(StateSpaceStart.DiagonalInv, "s4d_inv")]
    [InlineData(StateSpaceStart.DiagonalLegS, "s4d_legs")]
    public void Diagonal_starts_are_the_authors(StateSpaceStart start, string name)
    {
        using var golden = new StateSpaceGolden("hippo", ScalarType.Float64);
        var (a, b) = Hippo.Diagonal(start, 16);
        var (theirA, theirB) = (Complexes(golden.Values($"{name}.A")), Complexes(golden.Values($"{name}.B")));
        Close([.. theirA[..8].SelectMany(Parts)], [.. a.SelectMany(Parts)], 2e-5);
        Close([.. theirB[..8].Select(z => z.Magnitude)], [.. b.Select(z => z.Magnitude)], 1e-5);
    }

    private static double[] Parts(Complex z) => [z.Real, z.Imaginary];

    private static Complex[] Complexes(double[] pairs) => [.. pairs.Chunk(2).Select(pair => new Complex(pair[0], pair[1]))];

    private static void Close(double[] expected, double[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.True(
                Math.Abs(expected[i] - actual[i]) <= tolerance * Math.Max(1, Math.Abs(expected[i])),
                $"element {i}: {actual[i]}, expected {expected[i]}"
            );
        }
    }
}
