using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Data.Inputs;
using nietras.SeparatedValues;

namespace Dolmen.Data.Decontamination;

/// <summary>Items of an evaluation set: JSON lines or CSV. The question is what must not be in training data; a file that names no column as one gives all of a
/// row's text (JSON) or its first column (CSV, as MMLU's files without a header).</summary>
internal static class EvaluationItems
{
    private static readonly string[] Questions = ["question", "text", "prompt", "problem", "input", "instruction", "ctx", "goal", "sentence"];

    public static IEnumerable<(string Id, string Text)> Read(string path) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".jsonl" or ".json" => JsonLines(path),
        ".csv" => Csv(path),
        var other => throw new UserErrorException($"{path} ends in \"{other}\": evaluation sets are read from .jsonl and .csv. Convert it to one of them."),
    };

    private static List<(string Id, string Text)> JsonLines(string path)
    {
        var items = new List<(string, string)>();
        BoundedLines.ForEach(new InputFile(path, Path.GetFileName(path), ""), (row, line) =>
        {
            if (!line.AsSpan().Trim(" \t\r"u8).IsEmpty) items.Add(Item(path, row, line));
        });
        return items;
    }

    private static (string Id, string Text) Item(string path, long row, byte[] line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object) throw new UserErrorException($"{path}, line {row} is no JSON object. An item is an object with a question.");
            var id = root.TryGetProperty("id", out var named) ? $"{Path.GetFileName(path)}:{named}" : $"{Path.GetFileName(path)}:{row}";
            foreach (var question in Questions)
                if (root.TryGetProperty(question, out var value) && value.ValueKind == JsonValueKind.String) return (id, value.GetString()!);
            return (id, string.Join('\n', root.EnumerateObject().Where(p => p.Value.ValueKind == JsonValueKind.String).Select(p => p.Value.GetString())));
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{path}, line {row} is no JSON: {error.Message} Each line must be one object.", error);
        }
    }

    private static IEnumerable<(string Id, string Text)> Csv(string path)
    {
        using var reader = Sep.New(',').Reader(o => o with { HasHeader = false, Unescape = true, DisableColCountCheck = true }).FromFile(path);
        int column = 0, number = 0;
        while (reader.MoveNext())
        {
            var row = reader.Current;
            if (number++ == 0)
            {
                var found = -1;
                for (var i = 0; found < 0 && i < row.ColCount; i++)
                    if (Questions.Contains(row[i].ToString().Trim(), StringComparer.OrdinalIgnoreCase)) found = i;
                if (found >= 0)
                {
                    column = found;
                    continue;
                }
            }
            if (column < row.ColCount) yield return ($"{Path.GetFileName(path)}:{number}", row[column].ToString());
        }
    }
}
