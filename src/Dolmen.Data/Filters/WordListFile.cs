using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Data.Inputs;

namespace Dolmen.Data.Filters;

/// <summary>Lists that users bring: one entry a line, <c>#</c> and <c>!</c> beginning a comment, plain or .gz; or a JSON array of
/// strings.</summary>
internal static class WordListFile
{
    public static List<string> Read(string path)
    {
        InputPlace.ThrowUnlessFile(path);
        var entries = new List<string>();
        if (path.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
        {
            try
            {
                entries.AddRange(
                    JsonSerializer.Deserialize(
                        BoundedText.ReadBytes(new InputFile(path, Path.GetFileName(path), "")),
                        WordListJson.Default.StringArray
                    ) ?? []
                );
            }
            catch (JsonException problem)
            {
                throw new UserErrorException(
                    $"{path} is not a list of words ({problem.Message}): a .json list is an array of strings. Correct it, or give one "
                        + $"entry a line in a .txt file.",
                    problem
                );
            }
        }
        else
        {
            BoundedLines.ForEach(
                new InputFile(path, Path.GetFileName(path), ""),
                (number, line) => entries.Add(StrictText.Decode(line, path, number))
            );
        }
        entries.RemoveAll(entry => string.IsNullOrWhiteSpace(entry) || entry.TrimStart()[0] is '#' or '!');
        for (var index = 0; index < entries.Count; index++) entries[index] = entries[index].Trim().TrimStart('\uFEFF');
        return entries;
    }
}

[System.Text.Json.Serialization.JsonSerializable(typeof(string[]))]
internal sealed partial class WordListJson : System.Text.Json.Serialization.JsonSerializerContext;
