namespace Dolmen.Retrieval;

/// <summary>The passages in a prompt, and which of them an answer was taken from. Thread-safe.</summary>
public sealed class CitedPassages(IReadOnlyList<FoundPassage> passages)
{
    private const int LeastRun = 3;

    // of each passage what the model read, once for all answers to a prompt
    private readonly Lazy<List<List<string>>> _words =
        new(() => [.. passages.Select(one => Words($"{one.Passage.Title}\n{OpenBookPrompt.Cut(one.Passage.Text)}"))]);

    public int Count => passages.Count;

    /// <summary>What an answer has of them.</summary>
    public Citation Of(string answer)
    {
        var (number, text) = PassageLines.Read(answer, [.. passages.Select(one => one.Passage)]);
        if (RefusalRule.Declines(text) || Words(text) is not { Count: > 0 } said) return Citation.None;
        var runs = _words.Value.ConvertAll(words => LongestRun(said, words));
        var least = Math.Min(LeastRun, said.Count);
        if (runs.TrueForAll(run => run < least)) return new Citation(passages, null);
        var cited = number > 0 && runs[number - 1] >= least ? passages[number - 1] : null;
        // Stable: of equals the one that fits the question better.
        FoundPassage[] ordered =
        [
            .. runs.Zip(passages).OrderByDescending(one => ReferenceEquals(one.Second, cited)).ThenByDescending(one => one.First)
                .Select(one => one.Second),
        ];
        return new Citation(ordered, ordered[0]);
    }

    /// <summary>The longest run of words that both hold.</summary>
    internal static int LongestRun(IReadOnlyList<string> first, IReadOnlyList<string> second)
    {
        var runs = new int[second.Count + 1];                            // that end with a word of the second and the one now looked at
        var longest = 0;
        foreach (var word in first)
        {
            for (var i = second.Count - 1; i >= 0; i--)
            {
                runs[i + 1] = word == second[i] ? runs[i] + 1 : 0;
                longest = Math.Max(longest, runs[i + 1]);
            }
        }
        return longest;
    }

    // As people count: `System.String.Trim` is one word, not the six terms that an index knows it by.
    private static List<string> Words(string text)
    {
        var words = new List<string>();
        var end = -2;
        foreach (var range in IndexTerms.Words(text))
        {
            var (start, length) = range.GetOffsetAndLength(text.Length);
            if (IndexTerms.IsUnspaced(text[start])) IndexTerms.AddPairs(text.AsSpan(start, length), words);
            else if (start == end + 1 && text[end] == '.') words[^1] += "." + IndexTerms.Lower(text.AsSpan(start, length));
            else words.Add(IndexTerms.Lower(text.AsSpan(start, length)));
            end = start + length;
        }
        return words;
    }
}

/// <summary>What an answer has of the passages in its prompt.</summary>
/// <param name="Passages">As they were found, but where the answer was taken from one, that first: the one it cites by number, or else that
/// with the longest run of words in common with it. None where the answer declines.</param>
/// <param name="From">The passage that the answer was taken from: three words in a row are the same, or all of a shorter answer. Null
/// where it was taken from none.</param>
public sealed record Citation(IReadOnlyList<FoundPassage> Passages, FoundPassage? From)
{
    public static Citation None { get; } = new([], null);
}
