namespace Dolmen.Data.Filters;

internal enum Limit { AtLeast, AtMost }

/// <summary>What a document must satisfy to be kept. <paramref name="Reason"/> is the recipe key that holds the threshold, such as
/// <c>gopherQuality.minWords</c>: it names the reason of an exclusion and what to <c>--set</c> to undo it.</summary>
/// <param name="Measure">Index into the filter's <see cref="IFilter.Measures"/>.</param>
internal readonly record struct Rule(string Reason, int Measure, Limit Limit, double Threshold)
{
    /// <summary>A value equal to the threshold passes; NaN (not measured) passes.</summary>
    public bool Breaks(double value) => Limit == Limit.AtLeast ? value < Threshold : value > Threshold;
}

/// <summary>Why a document was dropped.</summary>
internal readonly record struct Exclusion(string Reason, double Value, double Threshold);
