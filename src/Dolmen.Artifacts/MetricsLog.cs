using System.Text;
using System.Text.Json;

namespace Dolmen.Artifacts;

/// <summary>
/// <c>metrics.jsonl</c>: one JSON object a line, each with its <c>step</c>. A run that resumes from an older checkpoint first drops the
/// lines after that step, so that every step occurs once.
/// </summary>
public sealed class MetricsLog : IDisposable
{
    private readonly FileStream _file;

    private MetricsLog(FileStream file) => _file = file;

    public static MetricsLog Open(string path, int afterStep)
    {
        if (File.Exists(path))
        {
            var kept = ReadLines(path).Where(line => StepOf(line) is { } step && step <= afterStep).ToList();
            AtomicFile.WriteText(path, string.Concat(kept.Select(line => line + "\n")));
        }
        return new MetricsLog(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read));
    }

    public void Write(int step, params ReadOnlySpan<(string Name, object? Value)> fields)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("step", step);
            foreach (var (name, value) in fields) WriteField(json, name, value);
            json.WriteEndObject();
        }
        buffer.WriteByte((byte)'\n');
        _file.Write(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
        _file.Flush();
    }

    public void Dispose() => _file.Dispose();

    private static void WriteField(Utf8JsonWriter json, string name, object? value)
    {
        switch (value)
        {
            case null: break;
            case string text: json.WriteString(name, text); break;
            case long whole: json.WriteNumber(name, whole); break;
            case double number when double.IsFinite(number): json.WriteNumber(name, number); break;
            case double: json.WriteNull(name); break;
            default: throw new ArgumentException($"A metric is a string, a long or a double, not {value.GetType().Name}.", nameof(value));
        }
    }

    private static IEnumerable<string> ReadLines(string path) => RegularFile.ReadLines(path);

    // A line that a crash cut short is not JSON and is dropped.
    private static int? StepOf(string line)
    {
        try
        {
            using var parsed = JsonDocument.Parse(line);
            return parsed.RootElement.TryGetProperty("step", out var step) && step.TryGetInt32(out var value) ? value : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
