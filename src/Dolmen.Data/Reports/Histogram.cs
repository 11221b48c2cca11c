namespace Dolmen.Data.Reports;

/// <summary>How the values of a measure lie, in one pass and without knowing their range: hundredths for fractions, quarters of octaves for
/// all else.</summary>
internal sealed class Histogram
{
    public const int Hundredths = 100;

    // Powers of two from 2^-16 to 2^47, each in four parts of equal width.
    private const int LowestOctave = -16, Octaves = 64, Parts = 4;
    private readonly long[] _hundredths = new long[Hundredths];
    private readonly long[] _parts = new long[Octaves * Parts];

    public long Count { get; private set; }

    public long Zeros { get; private set; }

    public long Negatives { get; private set; }

    public double Min { get; private set; } = double.PositiveInfinity;

    public double Max { get; private set; } = double.NegativeInfinity;

    /// <summary>Whether all values are fractions, which are drawn as they are; others by their logarithms.</summary>
    public bool IsFraction => Min >= 0 && Max <= 1;

    /// <summary>NaN is not a value.</summary>
    public void Add(double value)
    {
        if (double.IsNaN(value)) return;
        Count++;
        if (value < Min) Min = value;
        if (value > Max) Max = value;
        if (value is >= 0 and <= 1) _hundredths[Math.Min(Hundredths - 1, (int)(value * Hundredths))]++;
        if (value == 0) Zeros++;
        else if (value < 0) Negatives++;
        else _parts[PartOf(value)]++;
    }

    public void Add(Histogram other)
    {
        (Count, Zeros, Negatives, Min, Max) = (
            Count + other.Count,
            Zeros + other.Zeros,
            Negatives + other.Negatives,
            Math.Min(Min, other.Min),
            Math.Max(Max, other.Max)
        );
        for (var i = 0; i < _hundredths.Length; i++)
            _hundredths[i] += other._hundredths[i];
        for (var i = 0; i < _parts.Length; i++)
            _parts[i] += other._parts[i];
    }

    /// <summary>Bars as they are drawn: bounds and counts, from the first that holds something to the last.</summary>
    public IReadOnlyList<(double From, double To, long Count)> Bars()
    {
        var bars = new List<(double From, double To, long Count)>();
        if (IsFraction)
        {
            for (var i = 0; i < Hundredths; i++) bars.Add((i / (double)Hundredths, (i + 1) / (double)Hundredths, _hundredths[i]));
            return bars;
        }
        var first = Array.FindIndex(_parts, count => count > 0);
        var last = Array.FindLastIndex(_parts, count => count > 0);
        for (var i = Math.Max(0, first); i <= last; i++) bars.Add((Edge(i), Edge(i + 1), _parts[i]));
        return bars;
    }

    // The exponent and the first two bits of the mantissa.
    private static int PartOf(double value) =>
        (int)
            Math.Clamp(
                (long)(BitConverter.DoubleToUInt64Bits(value) >> 50) - ((1023 + LowestOctave) * (long)Parts),
                0,
                (Octaves * Parts) - 1
            );

    private static double Edge(int part) => Math.ScaleB(1 + (part % Parts / (double)Parts), LowestOctave + (part / Parts));
}
