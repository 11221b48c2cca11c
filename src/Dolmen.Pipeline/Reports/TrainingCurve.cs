using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Pipeline.Reports;

public readonly record struct CurvePoint(double X, double Y);

public sealed record TrainingSample(long Step, string Text);

/// <summary>A training stage's <c>metrics.jsonl</c>, by metric. A line cut short by a crash is skipped.</summary>
public sealed class TrainingCurve
{
    private readonly Dictionary<string, List<CurvePoint>> _points = new(StringComparer.Ordinal);
    private readonly List<TrainingSample> _samples = [];

    public IReadOnlyList<TrainingSample> Samples => _samples;

    public static TrainingCurve Read(string metricsFile)
    {
        var curve = new TrainingCurve();
        if (!File.Exists(metricsFile)) return curve;
        foreach (var line in RegularFile.ReadLines(metricsFile)) curve.Add(line);
        return curve;
    }

    /// <summary>Over training steps, thinned to <paramref name="most"/> means of neighbours.</summary>
    public IReadOnlyList<CurvePoint> Of(string metric, int most = 300)
    {
        var points = _points.GetValueOrDefault(metric, []);
        if (points.Count <= most) return points;
        var size = (points.Count + most - 1) / most;
        return [.. points.Chunk(size).Select(group => new CurvePoint(group.Average(point => point.X), group.Average(point => point.Y)))];
    }

    private void Add(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            if (
                json.RootElement.ValueKind != JsonValueKind.Object
                || !json.RootElement.TryGetProperty("step", out var at)
                || !at.TryGetInt64(out var step)
            )
                return;
            foreach (var field in json.RootElement.EnumerateObject())
            {
                if (field.Value.ValueKind == JsonValueKind.Number && field.Value.TryGetDouble(out var value) && double.IsFinite(value))
                {
                    if (!_points.TryGetValue(field.Name, out var points)) _points[field.Name] = points = [];
                    points.Add(new CurvePoint(step, value));
                }
                else if (
                    field is { Name: "sample", Value.ValueKind: JsonValueKind.String }
                    && field.Value.GetString() is { Length: > 0 } sample
                )
                {
                    _samples.Add(new TrainingSample(step, sample));
                }
            }
        }
        catch (JsonException)
        {
            // The last line of a process that was killed.
        }
    }
}
