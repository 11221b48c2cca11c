namespace Dolmen.Retrieval;

/// <summary>Which of the passages in a prompt an answer comes from.</summary>
public static class CitedPassages
{
    private const int LeastRun = 3;

    /// <summary>The passages, that with the longest run of words in common with the answer first; none where the answer is that the
    /// documents do not say.</summary>
    public static IReadOnlyList<FoundPassage> Of(string answer, IReadOnlyList<FoundPassage> passages)
    {
        var said = Words(answer);
        if (said.Count == 0 || said.SequenceEqual(Words(OpenBookPrompt.Refusal))) return [];
        return [.. passages.OrderByDescending(one => LongestRun(said, Words(one.Passage)))];
    }

    /// <summary>The passage that an answer was taken from: three words in a row are the same, or all of a shorter answer. Null where there
    /// is none.</summary>
    public static FoundPassage? From(string answer, IReadOnlyList<FoundPassage> passages)
    {
        var said = Words(answer);
        return Of(answer, passages) is [var first, ..] && LongestRun(said, Words(first.Passage)) >= Math.Min(LeastRun, said.Count)
            ? first
            : null;
    }

    /// <summary>The longest run of terms that both hold.</summary>
    internal static int LongestRun(IReadOnlyList<string> first, IReadOnlyList<string> second)
    {
        var before = new int[second.Count + 1];                          // lengths of the runs that end one term earlier in the first
        var longest = 0;
        foreach (var term in first)
        {
            var now = new int[second.Count + 1];
            for (var i = 0; i < second.Count; i++)
            {
                if (term != second[i]) continue;
                now[i + 1] = before[i] + 1;
                longest = Math.Max(longest, now[i + 1]);
            }
            before = now;
        }
        return longest;
    }

    private static List<string> Words(Passage passage) => Words($"{passage.Title}\n{passage.Text}");

    private static List<string> Words(string text)
    {
        var words = new List<string>();
        IndexTerms.AddWords(text, words);
        return words;
    }
}
