using System.Text.Json.Serialization;

namespace Dolmen.Checkpoints;

/// <summary>Rotary frequencies changed to reach beyond the trained context.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(LinearScaling), "linear")]
[JsonDerivedType(typeof(Llama3Scaling), "llama3")]
[JsonDerivedType(typeof(YarnScaling), "yarn")]
[JsonDerivedType(typeof(DynamicScaling), "dynamic")]
[JsonDerivedType(typeof(LongRopeScaling), "longrope")]
public abstract record RotaryScaling(double Factor)
{
    [JsonIgnore]
    public virtual double Magnitude => 1;

    /// <param name="length">Tokens of the sequence.</param>
    public abstract void Apply(Span<double> frequencies, double theta, int headDim, int length);

    /// <summary>Sequences whose lengths give the same number are scaled alike; 0 is that of short ones.</summary>
    public virtual int TableOf(int length) => 0;

    /// <summary>Longest sequence the scaling is made for, given the context that config.json names.</summary>
    public virtual int Context(int named) => named;

    /// <summary>What is wrong with it for heads of this width; null where nothing is.</summary>
    public virtual string? Problem(int headDim) => null;
}

/// <summary>All positions divided by the factor (Chen et al. 2023).</summary>
public sealed record LinearScaling(double Factor) : RotaryScaling(Factor)
{
    public override void Apply(Span<double> frequencies, double theta, int headDim, int length)
    {
        foreach (ref var frequency in frequencies) frequency /= Factor;
    }
}

/// <summary>Long wavelengths divided by the factor, short ones kept, a smooth passage between (Llama 3.1).</summary>
public sealed record Llama3Scaling(double Factor, double LowFrequencyFactor, double HighFrequencyFactor, int OriginalContext)
    : RotaryScaling(Factor)
{
    public override void Apply(Span<double> frequencies, double theta, int headDim, int length)
    {
        foreach (ref var frequency in frequencies)
        {
            var turns = OriginalContext * frequency / (2 * Math.PI);        // full turns within the original context
            if (turns > HighFrequencyFactor) continue;
            var blend = Math.Max(0, (turns - LowFrequencyFactor) / (HighFrequencyFactor - LowFrequencyFactor));
            frequency *= blend + (1 - blend) / Factor;
        }
    }
}

/// <summary>Interpolation by wavelength with a ramp between <paramref name="BetaSlow"/> and <paramref name="BetaFast"/> turns, and a
/// temperature on the scores (Peng et al. 2023).</summary>
/// <param name="AttentionFactor">The temperature; null is the paper's 0.1·ln(factor)+1.</param>
/// <param name="Truncate">Ramp borders rounded to whole pairs, as published checkpoints expect.</param>
public sealed record YarnScaling(
    double Factor, int OriginalContext, double BetaFast = 32, double BetaSlow = 1, double? AttentionFactor = null, bool Truncate = true)
    : RotaryScaling(Factor)
{
    [JsonIgnore]
    public override double Magnitude => AttentionFactor ?? (Factor <= 1 ? 1 : 0.1 * Math.Log(Factor) + 1);

    public override void Apply(Span<double> frequencies, double theta, int headDim, int length)
    {
        // The pair that turns `turns` times within the original context.
        double PairOf(double turns) => headDim * Math.Log(OriginalContext / (turns * 2 * Math.PI)) / (2 * Math.Log(theta));
        var (low, high) = (PairOf(BetaFast), PairOf(BetaSlow));
        if (Truncate) (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, headDim - 1));
        if (low == high) high += 0.001;
        for (var i = 0; i < frequencies.Length; i++)
        {
            var interpolated = Math.Clamp((i - low) / (high - low), 0, 1);
            frequencies[i] *= interpolated / Factor + (1 - interpolated);
        }
    }
}
