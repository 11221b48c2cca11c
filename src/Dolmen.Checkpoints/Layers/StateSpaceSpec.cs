namespace Dolmen.Checkpoints;

// D model, H features or heads, E head dim (= D / H), N state, M pairs (= N / 2), R rank, S shift state

/// <summary>Where a state space starts: HiPPO's LegS or LegT with their low-rank part (S4, Gu et al. 2022), or a diagonal with the
/// imaginary parts Lin, Inv or LegS (S4D, Gu et al. 2022).</summary>
public enum StateSpaceStart { LegS, LegT, DiagonalLin, DiagonalInv, DiagonalLegS }

/// <summary>How x' = A·x + B·u becomes steps of Δ: exactly, for an input held between steps, or by the trapezoid rule.</summary>
public enum Discretization { ZeroOrderHold, Bilinear }

/// <summary>H state spaces of one input and output each: x' = A·x + B·u, y = 2·Re C·x + D·u with A = −exp(A_real) + i·A_imag − Σᵣ PᵣPᵣ*,
/// Δ = exp(log_dt). Of each conjugate pair of the state one is kept; complex numbers are stored as (…, 2). C is the true output, not
/// the C̃ of one length that S4's code keeps: a checkpoint decodes without knowing how long its training sequences were.</summary>
/// <param name="Prefix">Of its tensors' names: A_real, A_imag, log_dt, B, C, P, D.</param>
public sealed record StateSpaceSpec(string Prefix, int Features, int DState, StateSpaceStart Start, Discretization Discretization)
{
    public int Pairs => DState / 2;

    public int Rank => Start switch { StateSpaceStart.LegS => 1, StateSpaceStart.LegT => 2, _ => 0 };

    public string LogDecay => $"{Prefix}A_real";

    public string Frequency => $"{Prefix}A_imag";

    public string LogStep => $"{Prefix}log_dt";

    public string Input => $"{Prefix}B";

    public string Output => $"{Prefix}C";

    public string LowRank => $"{Prefix}P";

    public string Skip => $"{Prefix}D";

    public IEnumerable<TensorShape> Tensors()
    {
        yield return new(LogDecay, [Features, Pairs]);
        yield return new(Frequency, [Features, Pairs]);
        yield return new(LogStep, [Features]);
        yield return new(Input, [Features, Pairs, 2]);
        yield return new(Output, [Features, Pairs, 2]);
        if (Rank > 0) yield return new(LowRank, [Rank, Features, Pairs, 2]);
        yield return new(Skip, [Features]);
    }

    /// <summary>As a recurrence: a complex product, the input and the reading, and for each rank a reading and two corrections.</summary>
    public double ForwardFlops => Features * (Pairs * (16.0 + 12 * Rank) + 2);

    /// <summary>The state and, for each rank, 2·Re P*x, which a step leaves to the next.</summary>
    public long StateValues => (long)Features * (2 * Pairs + Rank);
}

/// <summary>S4's block (Gu et al. 2022): a state space on every feature, GELU, then Output's halves a·σ(b).</summary>
/// <param name="Output">D → 2D.</param>
public sealed record S4Spec(StateSpaceSpec System, LinearSpec Output) : MixerSpec
{
    public override string Name => System.Rank > 0 ? "S4" : "S4D";

    public override IEnumerable<TensorShape> Tensors() => [.. System.Tensors(), .. Output.Tensors()];

    public override double ForwardFlopsPerToken(int contextLength) => System.ForwardFlops + Output.ForwardFlops;

    public override long StateValuesPerSequence => System.StateValues;
}

/// <summary>H3 (Fu et al. 2023): k through a shift state space of S taps, its outer products with v through a diagonal one, picked by q:
/// y = Output(q · memory(shift(k) ⊗ v)).</summary>
/// <param name="Qkv">D → 3D: q, k, v.</param>
/// <param name="Shift">Prefix of the shift's B (D, S), C (D, S) and D (D).</param>
/// <param name="Memory">One state space a head, which its E·E products share.</param>
public sealed record H3Spec(int DModel, int ShiftState, LinearSpec Qkv, string Shift, StateSpaceSpec Memory, LinearSpec Output) : MixerSpec
{
    public override string Name => "H3";

    public int Heads => Memory.Features;

    public int HeadDim => DModel / Heads;

    public string ShiftInput => $"{Shift}B";

    public string ShiftOutput => $"{Shift}C";

    public string ShiftSkip => $"{Shift}D";

    public override IEnumerable<TensorShape> Tensors() =>
        [
            .. Qkv.Tensors(),
            new(ShiftInput, [DModel, ShiftState]),
            new(ShiftOutput, [DModel, ShiftState]),
            new(ShiftSkip, [DModel]),
            .. Memory.Tensors(),
            .. Output.Tensors(),
        ];

    public override double ForwardFlopsPerToken(int contextLength) => Qkv.ForwardFlops + Output.ForwardFlops + 2.0 * DModel * ShiftState
        + HeadDim * HeadDim * (Memory.ForwardFlops + 3.0 * Heads);

    public override long StateValuesPerSequence => (long)DModel * (ShiftState - 1) + (long)HeadDim * HeadDim * Memory.StateValues;
}
