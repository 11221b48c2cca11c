using Dolmen.Retrieval;

namespace Dolmen.Serving;

/// <summary>A passage that the model read before it answered.</summary>
/// <param name="Source">File and place.</param>
/// <param name="Id">In the index.</param>
/// <param name="Score">How well it fits the question: larger is better, comparable only within one answer.</param>
public sealed record SourceEntry(string Title, string Source, string Id, double Score)
{
    /// <summary>The passage that the answer comes from first; none for a refusal, null where no documents were looked at.</summary>
    internal static IReadOnlyList<SourceEntry>? Of(string answer, IReadOnlyList<FoundPassage>? passages) =>
        passages is null
            ? null
            :
            [
                .. CitedPassages.Of(answer, passages)
                    .Select(found => new SourceEntry(
                        found.Passage.Title, found.Passage.Source, found.Passage.Id, Math.Round(found.Score, 3))),
            ];
}
