using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Tables;

namespace Dolmen.Data.Decontamination;

/// <summary>Items of an evaluation set: JSON lines or CSV. The question is what must not be in training data; a file that names no column
/// as one gives all of a row's text (JSON) or its first column (CSV, as MMLU's files without a header).</summary>
internal static class EvaluationItems
{
    private static readonly string[] Questions =
    [
        "question",
        "text",
        "prompt",
        "problem",
        "input",
        "instruction",
        "ctx",
        "goal",
        "sentence",
    ];

    /// <exception cref="UserErrorException">The file cannot be read, or holds no item.</exception>
    public static IReadOnlyList<(string Id, string Text)> Read(string path)
    {
        List<(string Id, string Text)> items = DataFile.ContentExtension(path).ToLowerInvariant() switch
        {
            ".jsonl" or ".json" or ".ndjson" => [.. JsonLines.Rows(path).Select(Item)],
            ".csv" when !DataFile.IsCompressed(path) => [.. Csv(path)],
            var other => throw new UserErrorException(
                $"{path} ends in \"{other}\": evaluation sets are read from .jsonl, .json (also .gz and .zst) and .csv. Convert it to one "
                    + $"of them."
            ),
        };
        return items.Count > 0
            ? items
            : throw new UserErrorException(
                $"{path} holds no item: nothing would be kept out of the corpus by it. Name another file, or leave it out of the recipe."
            );
    }

    /// <summary>Notes how many items documents are compared with, and how many are too short for that.</summary>
    public static void Count(IReadOnlyList<string> files, int ngramWords, Funnel funnel)
    {
        var index = new ContaminationIndex(ngramWords);
        foreach (var file in files)
            foreach (var (id, text) in Read(file)) index.Add(id, text);
        funnel.Note("evaluation-items", index.Items);
        if (index.TooShort > 0) funnel.Note("evaluation-items-too-short", index.TooShort);
    }

    private static (string Id, string Text) Item(JsonRow row)
    {
        var file = Path.GetFileName(row.File);
        var id = row.Find("id") is { } named ? $"{file}:{named.Value}" : $"{file}:{row.Line}";
        foreach (var question in Questions)
            if (row.Find(question) is { IsString: true } value)
                return (id, value.Text());
        var text = string.Join(
            '\n',
            row.Value.EnumerateObject()
                .Where(member => member.Value.ValueKind == JsonValueKind.String)
                .Select(member => member.Value.GetString())
        );
        return text.Length > 0 ? (id, text) : throw row.Error("has no text: an item is an object with a question");
    }

    private static IEnumerable<(string Id, string Text)> Csv(string path)
    {
        using var file = BoundedText.OpenFile(new InputFile(path, Path.GetFileName(path), ""));
        var row = new DelimitedReader(file, quotes: true, BoundedText.MaxLineBytes) { Delimiter = (byte)',' };
        int column = 0,
            number = 0;
        while (row.Next(CancellationToken.None))
        {
            number++;
            if (row.Kind != DelimitedRow.Complete)
                throw new UserErrorException(
                    $"{path}, line {row.Line} is longer than {BoundedText.MaxLineBytes >> 20} MB or has a quotation that never closes. "
                        + "Correct the line or remove it."
                );
            if (number == 1 && QuestionColumn(row) is { } found) column = found;
            else if (column < row.Count) yield return ($"{Path.GetFileName(path)}:{number}", Encoding.UTF8.GetString(row[column]));
        }
    }

    private static int? QuestionColumn(DelimitedReader row)
    {
        for (var i = 0; i < row.Count; i++)
            if (Questions.Contains(Encoding.UTF8.GetString(row[i]).Trim(), StringComparer.OrdinalIgnoreCase)) return i;
        return null;
    }
}
