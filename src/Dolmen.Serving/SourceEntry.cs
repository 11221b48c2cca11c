using Dolmen.Retrieval;

namespace Dolmen.Serving;

/// <summary>A passage that the model read before it answered.</summary>
/// <param name="Source">File and place.</param>
/// <param name="Id">In the index.</param>
/// <param name="Score">How well it fits the question: larger is better, comparable only within one answer.</param>
public sealed record SourceEntry(string Title, string Source, string Id, double Score)
{
    /// <summary>Whether the answer was taken from it: three words in a row are the same, or all of a shorter answer.</summary>
    public bool Cited { get; init; }

    /// <summary>The passage that the answer was taken from first, where it was; none for a refusal, null where no documents were looked
    /// at.</summary>
    internal static IReadOnlyList<SourceEntry>? Of(string answer, CitedPassages? passages)
    {
        if (passages?.Of(answer) is not { } citation) return null;
        return [.. citation.Passages.Select(found =>
            new SourceEntry(found.Passage.Title, found.Passage.Source, found.Passage.Id, Math.Round(found.Score, 3))
            {
                Cited = ReferenceEquals(found, citation.From),
            })];
    }
}
