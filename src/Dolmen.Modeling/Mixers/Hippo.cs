// N state size, M = N/2 kept conjugate pairs, R rank
using System.Numerics;
using Dolmen.Checkpoints;

namespace Dolmen.Modeling.Mixers;

/// <summary>Which orthogonal polynomials the state of a HiPPO system is coefficients of (Gu et al. 2020): LegS remembers the whole past,
/// LegT and Fourier a window.</summary>
public enum HippoMeasure { LegS, LegT, Fourier }

/// <summary>A normal matrix less a low-rank one in the basis where the normal one is diagonal: A = V·(diag(Λ) − Σᵣ PᵣPᵣ*)·V*, B = V·b.
/// Of each conjugate pair of eigenvalues the one with negative imaginary part is kept.</summary>
/// <param name="Eigenvalues">Λ, (M), ascending by imaginary part.</param>
/// <param name="LowRank">V*·P, R rows of M.</param>
/// <param name="Input">V*·B, (M).</param>
/// <param name="Vectors">Columns of V, M of N.</param>
public sealed record DiagonalPlusLowRank(Complex[] Eigenvalues, Complex[][] LowRank, Complex[] Input, Complex[][] Vectors);

/// <summary>HiPPO matrices and the starts of S4 and S4D made from them, in double.</summary>
public static class Hippo
{
    /// <summary>x' = A·x + B·u; A (N, N), B (N).</summary>
    public static (double[,] A, double[] B) Transition(HippoMeasure measure, int n)
    {
        var (a, b) = (new double[n, n], new double[n]);
        for (var i = 0; i < n; i++)
        {
            b[i] = measure switch
            {
                HippoMeasure.LegS => Math.Sqrt(2 * i + 1),
                HippoMeasure.LegT => Math.Sqrt(2 * i + 1) / 2,
                _ => i == 0 ? 1 : i % 2 == 0 ? Math.Sqrt(2) : 0,
            };
        }
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
            {
                a[i, j] = measure switch
                {
                    HippoMeasure.LegS => i > j ? -b[i] * b[j] : i == j ? -(i + 1) : 0,
                    HippoMeasure.LegT => -2 * b[i] * b[j] * (i < j && (j - i) % 2 == 1 ? -1 : 1),
                    _ => Rotation(i, j) - b[i] * b[j],
                };
            }
        }
        return (a, b);
    }

    /// <summary>The P whose PᵀP added to A makes it normal, R rows of N.</summary>
    public static double[][] LowRank(HippoMeasure measure, int n) => measure switch
    {
        HippoMeasure.LegS => [[.. Enumerable.Range(0, n).Select(i => Math.Sqrt(i + 0.5))]],
        HippoMeasure.LegT =>
        [
            [.. Enumerable.Range(0, n).Select(i => i % 2 == 1 ? Math.Sqrt(i + 0.5) : 0)],
            [.. Enumerable.Range(0, n).Select(i => i % 2 == 0 ? Math.Sqrt(i + 0.5) : 0)],
        ],
        _ => [Transition(measure, n).B],
    };

    /// <summary>The diagonal-plus-low-rank form (S4, Gu et al. 2022, theorem 1). A + PᵀP is a multiple of the identity plus a
    /// skew-symmetric S; the phase of each eigenvector is free and chosen so that its first entry is positive.</summary>
    public static DiagonalPlusLowRank Decompose(HippoMeasure measure, int n)
    {
        if (n < 2 || n % 2 != 0)
            throw new ArgumentOutOfRangeException(nameof(n), n, "The state size must be even: eigenvalues come in conjugate pairs.");
        var ((a, b), p) = (Transition(measure, n), LowRank(measure, n));
        var half = n / 2;
        var real = 0.0;
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++) a[i, j] += p.Sum(row => row[i] * row[j]);
            real += a[i, i] / n;
        }
        // The eigenvectors z = x + i·y of the Hermitian −i·S are those of the real symmetric [[0, S], [−S, 0]], each found twice.
        var doubled = new double[2 * n, 2 * n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
            {
                if (i == j) continue;
                doubled[i, n + j] = a[i, j];
                doubled[n + i, j] = -a[i, j];
            }
        }
        var (values, vectors) = SymmetricEigen(doubled);
        var order = Enumerable.Range(0, 2 * n).OrderBy(i => values[i]).ToArray();
        var eigenvalues = new Complex[half];
        var columns = new Complex[half][];
        for (var m = 0; m < half; m++)
        {
            var column = order[2 * m];
            eigenvalues[m] = new Complex(real, values[column]);
            columns[m] = [.. Enumerable.Range(0, n).Select(i => new Complex(vectors[i, column], vectors[n + i, column]))];
            // Fourier has the eigenvalue 0 twice: of its two dimensions, the first two of A, one complex vector stands for both.
            if (Math.Abs(values[column]) < 1e-6)
                columns[m] =
                [
                    .. Enumerable
                        .Range(0, n)
                        .Select(i =>
                            i == 0 ? Complex.One
                            : i == 1 ? Complex.ImaginaryOne
                            : 0
                        ),
                ];
            var first = columns[m].First(z => z.Magnitude > 1e-9);
            var norm = Math.Sqrt(columns[m].Sum(z => z.Real * z.Real + z.Imaginary * z.Imaginary));
            for (var i = 0; i < n; i++) columns[m][i] *= Complex.Conjugate(first) / (first.Magnitude * norm);
        }
        return new DiagonalPlusLowRank(
            eigenvalues, [.. p.Select(row => columns.Select(column => Project(column, row)).ToArray())],
            [.. columns.Select(column => Project(column, b))], columns);
    }

    /// <summary>B as the authors start with it: imaginary parts clipped to ±2, or the fastest modes of LegS would drown the
    /// others.</summary>
    public static Complex[] Clip(Complex[] input) => [.. input.Select(z => new Complex(z.Real, Math.Clamp(z.Imaginary, -2, 2)))];

    /// <summary>A and B, (M) each, of a diagonal start (S4D, Gu et al. 2022, §4). Imaginary parts: Lin n·π, Inv N/π·(N/(2n+1) − 1), LegS
    /// the eigenvalues of HiPPO-LegS without its low-rank part.</summary>
    public static (Complex[] A, Complex[] B) Diagonal(StateSpaceStart start, int n)
    {
        var half = Enumerable.Range(0, n / 2);
        switch (start)
        {
            case StateSpaceStart.DiagonalLegS:
                var form = Decompose(HippoMeasure.LegS, n);
                return (form.Eigenvalues, Clip(form.Input));
            case StateSpaceStart.DiagonalInv:
                return (
                    [.. half.Select(i => new Complex(-0.5, -n / Math.PI * ((double)n / (2 * i + 1) - 1)))],
                    [.. half.Select(_ => Complex.One)]
                );
            case StateSpaceStart.DiagonalLin:
                return ([.. half.Select(i => new Complex(-0.5, -Math.PI * i))], [.. half.Select(_ => Complex.One)]);
            default:
                throw new ArgumentOutOfRangeException(nameof(start), start, "It is not diagonal.");
        }
    }

    // The k-th pair, rows 2k and 2k + 1, turns with frequency k/2.
    private static double Rotation(int i, int j) => (i, j) switch
    {
        _ when i % 2 == 0 && j == i + 1 => -Math.PI * i / 2,
        _ when j % 2 == 0 && i == j + 1 => Math.PI * j / 2,
        _ => 0,
    };

    private static Complex Project(Complex[] column, double[] x) =>
        column.Select((z, i) => Complex.Conjugate(z) * x[i]).Aggregate(Complex.Zero, (sum, term) => sum + term);

    /// <summary>Jacobi's method: turns planes until nothing is left beside the diagonal. Slow (N³ a sweep) and exact to the last
    /// digits.</summary>
    private static (double[] Values, double[,] Vectors) SymmetricEigen(double[,] a)
    {
        var n = a.GetLength(0);
        var v = new double[n, n];
        for (var i = 0; i < n; i++) v[i, i] = 1;
        for (var sweep = 0; sweep < 60; sweep++)
        {
            double beside = 0, all = 0;
            for (var i = 0; i < n; i++)
            {
                for (var j = 0; j < n; j++)
                {
                    all += a[i, j] * a[i, j];
                    if (i != j) beside += a[i, j] * a[i, j];
                }
            }
            if (beside <= 1e-30 * all) break;
            for (var p = 0; p < n; p++)
            {
                for (var q = p + 1; q < n; q++)
                {
                    if (a[p, q] == 0) continue;
                    var theta = (a[q, q] - a[p, p]) / (2 * a[p, q]);
                    var t = (theta < 0 ? -1 : 1) / (Math.Abs(theta) + Math.Sqrt(theta * theta + 1));
                    var cos = 1 / Math.Sqrt(t * t + 1);
                    var sin = t * cos;
                    for (var i = 0; i < n; i++) Turn(ref a[i, p], ref a[i, q], cos, sin);
                    for (var i = 0; i < n; i++) Turn(ref a[p, i], ref a[q, i], cos, sin);
                    for (var i = 0; i < n; i++) Turn(ref v[i, p], ref v[i, q], cos, sin);
                }
            }
        }
        return ([.. Enumerable.Range(0, n).Select(i => a[i, i])], v);
    }

    private static void Turn(ref double x, ref double y, double cos, double sin) => (x, y) = (cos * x - sin * y, sin * x + cos * y);
}
