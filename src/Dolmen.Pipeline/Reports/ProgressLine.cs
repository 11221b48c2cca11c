using Dolmen.Artifacts;

namespace Dolmen.Pipeline.Reports;

/// <summary>A report of progress in words, what matters most first.</summary>
public static class ProgressLine
{
    public const string Separator = " · ";

    /// <param name="firstDone">What was done when the stage was first heard of, <paramref name="seconds"/> ago.</param>
    public static IReadOnlyList<string> Of(StageProgress value, double firstDone, double seconds)
    {
        var rate = seconds > 0.2 ? (value.Done - firstDone) / seconds : 0;
        List<string> parts = [];
        // A stage that cannot tell how much there is has nothing to count yet.
        if (value.Total > 0) parts.Add($"{value.Done / value.Total,5:P0} {Count(value.Done)}/{Count(value.Total)} {value.Unit}");
        else if (value.Done > 0) parts.Add($"{Count(value.Done)} {value.Unit}");
        if (rate > 0 && value.Total > value.Done) parts.Add($"{Duration((value.Total - value.Done) / rate)} left");
        if (value.Detail.Length > 0) parts.AddRange(value.Detail.Split(Separator));
        if (rate > 0) parts.Insert(Math.Min(parts.Count, 4), $"{Count(rate)} {value.Unit}/s");
        var first = $"{value.Stage,-10} {parts.FirstOrDefault()}".TrimEnd();
        return [first, .. parts.Skip(1)];
    }

    /// <summary>As many whole parts as fit; the first is cut where even it is too long.</summary>
    public static string Fit(IReadOnlyList<string> parts, int width)
    {
        var line = parts[0];
        for (var i = 1; i < parts.Count && line.Length + Separator.Length + parts[i].Length <= width; i++) line += Separator + parts[i];
        return line.Length <= width ? line : line[..width];
    }

    private static string Count(double value) => value switch
    {
        >= 1e9 => $"{value / 1e9:0.00}G",
        >= 1e6 => $"{value / 1e6:0.00}M",
        >= 1e4 => $"{value / 1e3:0.0}k",
        >= 100 => $"{value:0}",
        _ => $"{value:0.#}",
    };

    private static string Duration(double seconds) => seconds switch
    {
        < 60 => $"{seconds:0}s",
        < 3600 => $"{(int)seconds / 60}m{(int)seconds % 60:00}s",
        _ => $"{(int)seconds / 3600}h{(int)seconds / 60 % 60:00}m",
    };
}
