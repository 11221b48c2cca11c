namespace Dolmen.Inference;

/// <summary>Memory of states: those of the texts that are being generated first, what is left for those that may serve others.</summary>
/// <param name="speculator">Its memory counts too, and goes when others need it.</param>
internal sealed class StateBudget(LanguageModel model, SchedulerOptions options, Speculator? speculator = null) : IDisposable
{
    /// <summary>States grow by whole pages.</summary>
    private const int Page = Mixers.KvPage.Positions;

    private readonly List<long> _ofPages = [];                           // bytes of a state of so many pages

    public bool Caches { get; } = options.CachePrefixes && !model.DependsOnLength;

    public PrefixCache Cache { get; } = new(model, options.CachePrefixes ? options.StateBytes : 0);

    /// <summary>A state that holds as much of the text as is known already; null while memory has no room for it.</summary>
    /// <param name="running">Those that have their turn; where there is none this one gets it, whatever it needs.</param>
    public CachedPrefix? NewState(GeneratingSequence sequence, List<GeneratingSequence> running)
    {
        // A prompt that is scored needs the logits of all its tokens.
        var found = Caches && !sequence.NeedsWholePrompt
            ? Cache.Find(sequence.Tokens, most: sequence.Length - 1)
            : new CachedPrefix(model.NewState(model.Config.ContextLength), 0);
        if (MakeRoom(Needed) || running.Count == 0) return found;
        found.State.Dispose();
        return null;

        long Needed() => BytesToGrow(found.State, sequence.Length + 1)
            + running.Sum(other => BytesToGrow(other.State!, other.Length + 1));             // promised to those
    }

    /// <summary>Whether there is room for what the pass adds.</summary>
    /// <param name="copies">States of which copies are kept besides.</param>
    public bool Fits(List<PlannedSlice> plan, int copies = 0) => MakeRoom(() => copies * BytesOf(Page)
        + plan.Sum(entry => BytesToGrow(entry.Slice.State, entry.Slice.State.Length + entry.Slice.Tokens.Length)));

    /// <summary>Takes over the state of a text that is finished.</summary>
    public void Keep(GeneratingSequence sequence)
    {
        if (Caches) Cache.Keep(sequence.Computed, sequence.Release());
        else sequence.Dispose();
    }

    /// <summary>Keeps a copy, which takes a recurrent state and the last page of keys and values anew.</summary>
    public void KeepCopy(GeneratingSequence sequence)
    {
        if (Caches && MakeRoom(() => BytesOf(Page))) Cache.Keep(sequence.Computed, sequence.State!.Fork());
    }

    public void Dispose() => Cache.Dispose();

    /// <summary>Gives up what is kept for others until <paramref name="bytes"/> more fit; whether they do.</summary>
    /// <param name="bytes">Asked again each time: what a page shared with the cache costs falls with it.</param>
    private bool MakeRoom(Func<long> bytes)
    {
        while (Taken + bytes() > options.StateBytes && Cache.Count > 0) Cache.DropOldest();
        if (Taken + bytes() > options.StateBytes) speculator?.Forget(all: true);
        return Taken + bytes() <= options.StateBytes;
    }

    private long Taken => model.StateBytes + (speculator?.StateBytes ?? 0);

    private long BytesToGrow(DecodeState state, int tokens) => BytesOf(tokens) - BytesOf(state.Length) + state.SharedEndBytes;

    private long BytesOf(int tokens)
    {
        var pages = (tokens + Page - 1) / Page;
        // Asked for every text in every pass.
        while (_ofPages.Count <= pages) _ofPages.Add(model.StateBytesOf(_ofPages.Count * Page));
        return _ofPages[pages];
    }
}
