using System.Text.Json.Serialization.Metadata;
using Dolmen.Artifacts;

namespace Dolmen.Evaluation;

/// <summary>The files a corpus directory keeps for evaluation: one JSON value a line.</summary>
internal static class EvaluationCorpus
{
    private const long MaxFileBytes = 1L << 28;

    public static List<T> Read<T>(string directory, string file, JsonTypeInfo<T> type, Func<T, string?>? problem = null)
    {
        var path = Path.Combine(directory, file);
        var bytes = new FileInfo(path).Length;
        if (bytes > MaxFileBytes)
        {
            throw new UserErrorException(
                $"{path} has {bytes} bytes: an evaluation file may have at most {MaxFileBytes}. Keep a sample of its lines.");
        }
        return [.. JsonLines.Read(path, type, problem).Select(row => row.Value)];
    }

    public static List<MultipleChoiceItem> ReadQuestions(string directory) =>
        Read(directory, CorpusFolder.MultipleChoice, CorpusRowJson.Default.MultipleChoiceItem, question =>
        question.Choices.Count < 2 ? $"it has {question.Choices.Count} choices and needs at least 2"
        : question.Choices.Any(string.IsNullOrEmpty) ? "one of its choices is empty"
        : question.Gold < 0 || question.Gold >= question.Choices.Count
            ? $"gold is {question.Gold}, which is not one of its {question.Choices.Count} choices"
        : null);

    /// <summary>At most <paramref name="count"/> of the items, drawn without replacement, in their own order.</summary>
    public static List<T> Draw<T>(IReadOnlyList<T> items, int count, ulong seed)
    {
        if (count >= items.Count) return [.. items];
        return [.. Shuffled(items.Count, seed).Take(count).Order().Select(i => items[i])];
    }

    /// <summary>What became of the items of a file of which some were drawn.</summary>
    public static DataTally Counts(string unit, string file, int read, int drawn)
    {
        var tally = new DataTally(unit);
        tally.Read(read);
        tally.Drop("beyond-limit", new DataPlace(file, 0), read - drawn);
        return tally;
    }

    public static int[] Shuffled(int count, ulong seed)
    {
        var order = Enumerable.Range(0, count).ToArray();
        var random = new StableRandom(seed);
        random.Shuffle<int>(order);
        return order;
    }
}
