namespace Dolmen.Retrieval;

/// <summary>A piece of a document that can answer a question: a member of a type, a section of a manual.</summary>
/// <param name="Id">Unique in an index, for example <c>M:System.String.Trim</c>.</param>
/// <param name="Title">What a person would call it: <c>System.String.Trim()</c>, or the section's path.</param>
/// <param name="Text">What a model reads below the title.</param>
/// <param name="Source">File and place that it was read from.</param>
public sealed record Passage(string Id, string Title, string Text, string Source)
{
    /// <summary>A longer id or source is refused, a longer title or text is cut by whoever makes passages.</summary>
    public const int MaxTitleChars = 1000, MaxTextChars = 16_000, MaxPlaceChars = 4000;
}

/// <summary>A passage that a search found.</summary>
/// <param name="Score">BM25 over title and text: larger is better, comparable only within one search.</param>
public sealed record FoundPassage(Passage Passage, double Score);
