namespace Dolmen.Inference;

/// <param name="StateBytes">Memory for the states of the texts that are being generated and of prompts that are kept for others. One text
/// always has its turn, whatever it needs.</param>
/// <param name="MaxSequences">Texts that are generated at once.</param>
/// <param name="PassSeconds">A pass takes in as much of the prompts as takes about so long: no stream waits longer for its next
/// token.</param>
/// <param name="CachePrefixes">Keeps what was computed for texts that begin alike.</param>
public sealed record SchedulerOptions(
    long StateBytes = 1L << 30, int MaxSequences = 64, double PassSeconds = 0.05, bool CachePrefixes = true)
{
    /// <summary>Guesses several tokens of a text for one pass; null does not.</summary>
    public Speculation? Speculation { get; init; }
}

/// <summary>What a scheduler is doing.</summary>
/// <param name="StateBytes">Memory of all states of the model.</param>
/// <param name="CacheBytes">Of those, what is kept for texts to come; what several share counts for each.</param>
/// <param name="CacheHitRate">Share of all prompt tokens that were found computed.</param>
/// <param name="Preemptions">How often a text had to give up its state because memory was short.</param>
public sealed record SchedulerStatistics(int Running, int Waiting, long StateBytes, long CacheBytes, double CacheHitRate, long Preemptions)
{
    /// <summary>Tokens that were guessed for passes to check, and how many of them were right.</summary>
    public long DraftedTokens { get; init; }

    public long AcceptedTokens { get; init; }
}

/// <summary>A text that has its turn.</summary>
/// <param name="Slot">Its place among those that have theirs: the lowest that was free.</param>
/// <param name="Number">Counts the texts that came.</param>
/// <param name="PromptComputed">Of the prompt, with <paramref name="CachedTokens"/> that were known before.</param>
/// <param name="Limit">Most tokens that are generated.</param>
public sealed record RunningText(
    int Slot, long Number, int PromptTokens, int PromptComputed, int CachedTokens, int Generated, int Limit, GenerationOptions Options);
