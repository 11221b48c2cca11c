using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Data;

/// <summary>What a corpus directory holds as text.</summary>
public static class CorpusText
{
    public const string HeldOutFile = "heldout.jsonl";

    /// <summary>The training documents, streamed in file order.</summary>
    public static IEnumerable<string> ReadDocuments(string corpusDirectory) => CorpusParquet.ReadTexts(Existing(corpusDirectory, CorpusParquet.FileName));

    /// <summary>The held-out sections, streamed in file order.</summary>
    public static IEnumerable<string> ReadHeldOut(string corpusDirectory)
    {
        var path = Existing(corpusDirectory, HeldOutFile);
        foreach (var line in File.ReadLines(path)) yield return Row(line, path).Text;
    }

    private static HeldOutText Row(string line, string path)
    {
        try
        {
            if (JsonSerializer.Deserialize(line, CorpusJson.Default.HeldOutText) is { Text: not null } row) return row;
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{path} holds a line that is not JSON: {error.Message} Build the corpus again.", error);
        }
        throw new UserErrorException($"{path} holds a line without a text. Build the corpus again.");
    }

    private static string Existing(string directory, string file)
    {
        var path = Path.Combine(directory, file);
        return File.Exists(path) ? path
            : throw new UserErrorException($"{directory} is no corpus: it has no {file}. Make one with 'dolmen corpus build --out {directory}', or name the folder of one.");
    }
}
