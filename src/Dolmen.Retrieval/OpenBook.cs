namespace Dolmen.Retrieval;

/// <summary>A question with the passages that were found for it.</summary>
public sealed record OpenBook(string Question, IReadOnlyList<FoundPassage> Passages)
{
    /// <summary>Looks the question up. Where nothing is found, the question stands alone.</summary>
    public static OpenBook Of(DocumentIndex index, string question, int count = OpenBookPrompt.DefaultPassages) =>
        new(question, index.Search(question, count));

    /// <summary>What the model reads with the first <paramref name="count"/> of them.</summary>
    public string Prompt(int count) => OpenBookPrompt.Of([.. Passages.Take(count).Select(found => found.Passage)], Question);
}
