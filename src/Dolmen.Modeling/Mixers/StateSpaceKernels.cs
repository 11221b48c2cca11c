// C channels, H features, N state (one of each conjugate pair), R rank, L length, F frequencies (= L/2 + 1)
using Dolmen.Checkpoints;
using Dolmen.Modeling.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Mixers;

/// <summary>H state spaces x' = A·x + B·u, y = 2·Re C·x with diagonal A = −exp(LogDecay) + i·Frequency; of each conjugate pair
/// one.</summary>
/// <param name="LogDecay">(H, N).</param>
/// <param name="Frequency">(H, N).</param>
/// <param name="LogStep">ln Δ, (H).</param>
/// <param name="Input">B, (H, N, 2).</param>
/// <param name="Output">C, (C, H, N, 2): C outputs of one state.</param>
public sealed record DiagonalSystem(Tensor LogDecay, Tensor Frequency, Tensor LogStep, Tensor Input, Tensor Output)
{
    internal Tensor Step => LogStep.exp().unsqueeze(-1);                        // (H, 1)

    internal ComplexPair A => new(-LogDecay.exp(), Frequency);                  // (H, N)
}

/// <summary>Convolution kernels K(c, h, l) = 2·Re C·Āˡ·B̄ of state spaces, differentiable in every parameter.</summary>
public static class StateSpaceKernels
{
    /// <summary>S4D: a diagonal A, so that powers are exponentials (Gu et al. 2022) → (C, H, L).</summary>
    public static Tensor Diagonal(LayerMath math, DiagonalSystem system, Discretization discretization, long length)
    {
        using var scope = NewDisposeScope();
        var (step, a) = (system.Step, system.A);
        var scaled = a * step; // Δ·A, (H, N)
        var (gain, rates) =
            discretization is Discretization.ZeroOrderHold ? (Expm1(scaled) * a.Inverse(), scaled) : Trapezoid(scaled, step);
        var weights = ComplexPair.Of(system.Output) * (ComplexPair.Of(system.Input) * gain); // (C, H, N)
        return math.PowerSums(weights.Stack(), rates.Stack(), length).MoveToOuterDisposeScope(); // (C, H, L)
    }

    /// <summary>S4: A − P·P*, bilinear → (C, H, L). lowRank P (R, H, N, 2), R one or two. LegT, of rank two, has its diagonal almost on the
    /// imaginary axis: near a resonance the terms of Woodbury's identity cancel to 10⁻⁵ of their size, so that it is computed in
    /// double.</summary>
    public static Tensor LowRank(LayerMath math, DiagonalSystem system, Tensor lowRank, long length)
    {
        using var scope = NewDisposeScope();
        if (lowRank.shape[0] == 2 && lowRank.dtype is not ScalarType.Float64)
        {
            var wide = new DiagonalSystem(
                Wide(system.LogDecay),
                Wide(system.Frequency),
                Wide(system.LogStep),
                Wide(system.Input),
                Wide(system.Output)
            );
            return LowRank(math, wide, Wide(lowRank), length).to(lowRank.dtype).MoveToOuterDisposeScope();
        }
        var truncated = system with { Output = TruncatedOutput(system, lowRank, length) };
        return LowRankTruncated(math, truncated, lowRank, length).MoveToOuterDisposeScope();
    }

    /// <summary>The same where the system's output is C̃ already: the generating function at the roots of unity by Cauchy products,
    /// the low-rank part by Woodbury's identity, an inverse FFT (Gu et al. 2022, algorithm 1).</summary>
    public static Tensor LowRankTruncated(LayerMath math, DiagonalSystem system, Tensor lowRank, long length)
    {
        using var scope = NewDisposeScope();
        long channels = system.Output.shape[0], rank = lowRank.shape[0], h = lowRank.shape[1], n = lowRank.shape[2];
        if (rank is < 1 or > 2) throw new ArgumentException($"The low-rank part has rank {rank}: it must be 1 or 2.", nameof(lowRank));
        var p = ComplexPair.Of(lowRank);                                        // (R, H, N)
        var left = ComplexPair.Of(cat([system.Input.unsqueeze(0), lowRank], 0).unsqueeze(1));                // (1+R, 1, H, N)
        var right = ComplexPair.Of(cat([system.Output, p.Conjugate().Stack()], 0).unsqueeze(0));             // (1, C+R, H, N)
        var numerators = (left * right * system.Step).Stack().reshape(-1, h, n, 2);                          // ((1+R)·(C+R), H, N, 2)
        var sums = math.CauchySums(numerators, (system.A * system.Step).Stack(), length);                    // (2, P, H, F)
        var g = complex(sums[0], sums[1]).view(1 + rank, channels + rank, h, -1);                            // (1+R, C+R, H, F)
        var halfAngle = arange(length / 2 + 1, dtype: sums.dtype, device: sums.device) * (Math.PI / length);               // (F)
        var (cos, phase) = (halfAngle.cos(), complex(halfAngle.cos(), halfAngle.sin()));                     // (F)
        Tensor From(int input, long output) => g.select(0, input).narrow(0, output, output == 0 ? channels : 1);    // (C|1, H, F)
        Tensor spectrum;                                                        // (C, H, F)
        if (rank == 1)
        {
            spectrum = From(0, 0) - From(0, channels) * From(1, 0) * cos / (From(1, channels) * cos + 1);
        }
        else
        {
            var (a, b) = (From(1, channels) * cos + 1, From(1, channels + 1) * cos); // (1, H, F)
            var (c, d) = (From(2, channels) * cos, From(2, channels + 1) * cos + 1); // (1, H, F)
            var corrected =
                From(0, channels) * (d * From(1, 0) - b * From(2, 0)) + From(0, channels + 1) * (a * From(2, 0) - c * From(1, 0));
            spectrum = From(0, 0) - corrected * cos / (a * d - b * c);
        }
        return fft.irfft(spectrum * phase, length, -1).MoveToOuterDisposeScope();                            // (C, H, L)
    }

    /// <summary>C̃ = C·(I − Āᴸ), which makes the generating function end at L: (C, H, N, 2). Āᴸ by repeated squaring in real coordinates
    /// (Re x, Im x); C itself stays the parameter, so that one model serves every length and the recurrence.</summary>
    public static Tensor TruncatedOutput(DiagonalSystem system, Tensor lowRank, long length)
    {
        using var scope = NewDisposeScope();
        var half = RealTransition(system, lowRank) / 2;                         // (H, 2N, 2N)
        var identity = eye(half.shape[1], dtype: half.dtype, device: half.device);                           // (2N, 2N)
        var power = linalg.solve(identity - half, identity + half);             // Ā, (H, 2N, 2N)
        var output = ComplexPair.Of(system.Output);                             // (C, H, N)
        var row = cat([output.Re, -output.Im], -1).transpose(0, 1);             // (H, C, 2N)
        var ahead = row;
        for (var bits = length; bits > 0; bits >>= 1)
        {
            if ((bits & 1) != 0) ahead = ahead.bmm(power);                      // (H, C, 2N)
            if (bits > 1) power = power.bmm(power);                             // (H, 2N, 2N)
        }
        var parts = (row - ahead).transpose(0, 1).chunk(2, -1);                 // 2 × (C, H, N)
        return stack([parts[0], -parts[1]], -1).MoveToOuterDisposeScope();      // (C, H, N, 2)
    }

    /// <summary>The shift state space of H3 (Fu et al. 2023, §3.1): the state is the last N inputs weighted by B, so that
    /// k(l) = Σₙ C(n + l)·B(n). input, output (H, N) → (1, H, min(N, L)).</summary>
    public static Tensor Shift(Tensor input, Tensor output, long length)
    {
        using var scope = NewDisposeScope();
        var n = input.shape[1];
        var spectrum = fft.rfft(input, 2 * n, -1).conj() * fft.rfft(output, 2 * n, -1);                      // (H, N+1) complex
        return fft.irfft(spectrum, 2 * n, -1).narrow(-1, 0, Math.Min(n, length)).unsqueeze(0).MoveToOuterDisposeScope();
    }

    private static Tensor Wide(Tensor x) => x.to(ScalarType.Float64);

    // Δ·A as a real map of (Re x, Im x): the diagonal turns and shrinks, the low-rank part is −P·2Re(P*·x).
    private static Tensor RealTransition(DiagonalSystem system, Tensor lowRank)
    {
        var a = system.A * system.Step;                                         // (H, N)
        var (re, im) = (diag_embed(a.Re), diag_embed(a.Im));                    // (H, N, N)
        var turns = cat([cat([re, -im], -1), cat([im, re], -1)], 1);            // (H, 2N, 2N)
        var p = ComplexPair.Of(lowRank);                                        // (R, H, N)
        var columns = cat([p.Re, p.Im], -1).permute(1, 2, 0);                   // (H, 2N, R)
        return turns - columns.bmm(columns.transpose(1, 2)) * (2 * system.Step.unsqueeze(-1));               // (H, 2N, 2N)
    }

    // e^z − 1 without the loss of digits near 0: cos y − 1 = −2·sin²(y/2).
    private static ComplexPair Expm1(ComplexPair z)
    {
        var sine = (z.Im / 2).sin();
        return new(z.Re.expm1() * z.Im.cos() - 2 * sine * sine, z.Re.exp() * z.Im.sin());
    }

    // Gain Δ/(1 − w) and ln((1 + w)/(1 − w)) with w = Δ·A/2; |1 + w|² = |1 − w|² + 4·Re w keeps the slow modes' digits.
    private static (ComplexPair Gain, ComplexPair Rates) Trapezoid(ComplexPair scaled, Tensor step)
    {
        var w = new ComplexPair(scaled.Re / 2, scaled.Im / 2);                  // (H, N)
        var below = new ComplexPair(1 - w.Re, -w.Im);                           // 1 − w, (H, N)
        var rates = new ComplexPair((4 * w.Re / below.SquaredModulus()).log1p() / 2, (2 * w.Im).atan2(1 - w.SquaredModulus()));
        return (below.Inverse() * step, rates);
    }
}
