using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;

namespace Dolmen.Checkpoints;

// Scalings that look at how long the sequence is.

/// <summary>θ grows with the sequence once it is longer than the trained context (dynamic NTK scaling, as in transformers):
/// θ' = θ·(factor·length/original − (factor − 1))^(E/(E − 2)).</summary>
public sealed record DynamicScaling(double Factor, int OriginalContext) : RotaryScaling(Factor)
{
    public override void Apply(Span<double> frequencies, double theta, int headDim, int length)
    {
        if (length <= OriginalContext) return;
        var growth = Factor * length / OriginalContext - (Factor - 1);
        var stretched = theta * Math.Pow(growth, headDim / (headDim - 2.0));
        for (var i = 0; i < frequencies.Length; i++) frequencies[i] = Math.Pow(stretched, -2.0 * i / headDim);
    }

    public override int TableOf(int length) => length > OriginalContext ? length : 0;

    public override int Context(int named) => Math.Max(named, (int)Math.Min(Factor * OriginalContext, 1 << 24));

    public override string? Problem(int headDim) => headDim > 2 ? null
        : $"model.ropeScaling is dynamic but model.headDim is {headDim}: dynamic scaling needs heads of at least 4.";
}

/// <summary>Each pair's frequency divided by a factor of its own, one list for sequences within the trained context and one for longer
/// ones, and a temperature on the scores (Ding et al. 2024, as in transformers).</summary>
/// <param name="AttentionFactor">The temperature; null is √(1 + ln(factor)/ln(original context)).</param>
public sealed record LongRopeScaling(
    double Factor, int OriginalContext, IReadOnlyList<double> ShortFactor, IReadOnlyList<double> LongFactor, double? AttentionFactor = null)
    : RotaryScaling(Factor)
{
    [JsonIgnore]
    public override double Magnitude =>
        AttentionFactor ?? (Factor <= 1 ? 1 : Math.Sqrt(1 + Math.Log(Factor) / Math.Log(OriginalContext)));

    public override void Apply(Span<double> frequencies, double theta, int headDim, int length)
    {
        var factors = length > OriginalContext ? LongFactor : ShortFactor;
        for (var i = 0; i < frequencies.Length; i++) frequencies[i] /= factors[i];
    }

    public override int TableOf(int length) => length > OriginalContext ? 1 : 0;

    public override int Context(int named) => Math.Max(named, (int)Math.Min(Factor * OriginalContext, 1 << 24));

    public override string? Problem(int headDim) =>
        ShortFactor.Count == headDim / 2 && LongFactor.Count == headDim / 2 && ShortFactor.Concat(LongFactor).All(factor => factor > 0)
            ? null
            : $"model.ropeScaling has {ShortFactor.Count} short and {LongFactor.Count} long factors: each list must have {headDim / 2} "
                + $"numbers above 0, half of model.headDim {headDim}.";

    // Records compare and print lists by reference; two models with the same numbers are the same model.
    public bool Equals(LongRopeScaling? other) =>
        other is not null
        && Factor.Equals(other.Factor)
        && OriginalContext == other.OriginalContext
        && AttentionFactor.Equals(other.AttentionFactor)
        && ShortFactor.SequenceEqual(other.ShortFactor)
        && LongFactor.SequenceEqual(other.LongFactor);

    public override int GetHashCode() => HashCode.Combine(Factor, OriginalContext, AttentionFactor, ShortFactor.Count, LongFactor.Sum());

    protected override bool PrintMembers(StringBuilder builder)
    {
        string Joined(IReadOnlyList<double> values) =>
            string.Join(' ', values.Select(value => value.ToString("R", CultureInfo.InvariantCulture)));
        builder.Append($"Factor = {Factor}, OriginalContext = {OriginalContext}, AttentionFactor = {AttentionFactor}, ");
        builder.Append($"ShortFactor = {Joined(ShortFactor)}, LongFactor = {Joined(LongFactor)}");
        return true;
    }
}
