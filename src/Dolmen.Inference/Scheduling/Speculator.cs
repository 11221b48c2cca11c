namespace Dolmen.Inference;

/// <summary>Adds guesses to passes in which texts are only written, as many as bring more tokens a second: see
/// <see cref="Speculation"/>.</summary>
internal sealed class Speculator(Speculation settings, IDraftSource source, PassCost cost) : IDisposable
{
    /// <summary>Null where the options ask for none, and where the model needs texts token by token.</summary>
    public static Speculator? Of(LanguageModel model, SchedulerOptions options)
    {
        if (options.Speculation is not { } settings) return null;
        settings.Validate();
        if (model.DependsOnLength) return null;
        var history = model.Guessing;
        return new Speculator(settings, settings.DraftModel is { } draft ? new DraftSource(draft, settings, options.PassSeconds, history)
            : new LookupSource(settings, history.Lookup), history.Cost);
    }

    /// <summary>Memory that guessing takes.</summary>
    public long StateBytes => source.StateBytes;

    public long Drafted { get; private set; }

    public long Accepted { get; private set; }

    /// <summary>Gives back memory that is not needed for the texts themselves.</summary>
    public void Forget(bool all) => source.Forget(all);

    public static bool OnlyWrites(List<PlannedSlice> plan) =>
        plan.TrueForAll(entry => entry.Sequence.IsWriting) && plan.Sum(entry => entry.Slice.Tokens.Length) <= PassCost.MostRows;

    /// <summary>The plan with guesses added where they are worth checking, each in <see cref="GeneratingSequence.Drafts"/> too.</summary>
    /// <param name="fits">Whether memory has room for a plan and, besides, copies of so many states.</param>
    public List<PlannedSlice> Extend(List<PlannedSlice> plan, Func<List<PlannedSlice>, int, bool> fits)
    {
        if (!OnlyWrites(plan)) return plan;
        var rows = plan.Sum(entry => entry.Slice.Tokens.Length);
        // What a pass of the same texts takes without guesses is measured first.
        if (!settings.Always && !cost.Knows(rows)) return plan;
        var texts = plan.Select(entry => entry.Sequence).Where(text => text.DraftRoom(settings.MaxDrafts) > 0).ToList();
        foreach (var text in texts) text.Rates ??= new AcceptanceRates(source.Rates);
        if (!TryGuess(texts, rows)) return plan;
        if (!settings.Always) Choose(texts, plan.Count, rows);
        if (texts.TrueForAll(text => text.Drafts.Count == 0)) return plan;
        var extended = plan.ConvertAll(entry =>
            entry.Sequence.Drafts.Count == 0 ? entry : entry with { Slice = entry.Sequence.Next(entry.Slice.Tokens.Length) });
        // One text alone always goes on, whatever memory it takes.
        if (plan.Count == 1 || fits(extended, texts.Count(text => text.Drafts.Count > 0 && NeedsCopy(text))))
        {
            foreach (var text in texts.Where(text => text.Drafts.Count > 0 && NeedsCopy(text))) text.KeepBefore();
            return extended;
        }
        foreach (var text in texts) text.Drafts.Clear();
        return plan;
    }

    /// <summary>Learns from a pass.</summary>
    /// <param name="seconds">What it took, without the guessing.</param>
    /// <param name="onlyWrote">Whether no text read its prompt.</param>
    public void Learn(List<PlannedSlice> plan, double seconds, bool onlyWrote)
    {
        if (!onlyWrote) return;
        var (rows, drafted, accepted) = (plan.Sum(entry => entry.Slice.Tokens.Length), 0, 0);
        cost.Measured(rows, seconds);
        foreach (var (text, _) in plan)
        {
            if (text.Drafts.Count == 0) continue;
            (drafted, accepted) = (drafted + text.Drafts.Count, accepted + text.LastAccepted);
            for (var i = 0; i < text.Judged; i++)
            {
                var right = i < text.LastAccepted;
                source.Rates.Count(text.Drafts[i].Level, right);
                text.Rates!.Count(text.Drafts[i].Level, right);
            }
            text.Drafts.Clear();
        }
        if (cost.Knows(rows - drafted)) source.Measured(plan.Count, accepted, seconds, cost.Of(rows - drafted));
        (Drafted, Accepted) = (Drafted + drafted, Accepted + accepted);
    }

    public void Dispose() => source.Dispose();

    /// <summary>No text fails because guessing does: it goes on without guesses, and the draft model's states, of which nothing is known
    /// then, are given back.</summary>
    private bool TryGuess(List<GeneratingSequence> texts, int rows)
    {
        try
        {
            source.Guess(texts, rows, cost);
            foreach (var text in texts) text.DropUselessDrafts();
            return true;
        }
        catch (Exception)
        {
            foreach (var text in texts) text.Drafts.Clear();
            source.Forget(all: true);
            return false;
        }
    }

    private static bool NeedsCopy(GeneratingSequence text) => !text.State!.CanGoBack;

    /// <summary>Keeps as many guesses as make tokens a second most. Those likeliest to be right come first; a text's own are in order, for
    /// each can only be right where the one before was.</summary>
    private void Choose(List<GeneratingSequence> texts, int written, int rows)
    {
        var all = new List<(double Chance, int Text, int Count, double Redone)>();
        foreach (var (i, text) in texts.Index())
        {
            var chance = 1.0;
            for (var k = 0; k < text.Drafts.Count; k++)
            {
                var next = chance * text.Rates![text.Drafts[k].Level];
                // A state that cannot go back computes what was right once more after a wrong guess.
                all.Add((next, i, k + 1, NeedsCopy(text) ? (chance - next) * (k + 1) : 0));
                chance = next;
            }
        }
        all.Sort((a, b) => a.Chance != b.Chance ? b.Chance.CompareTo(a.Chance)
            : a.Text != b.Text ? a.Text.CompareTo(b.Text) : a.Count.CompareTo(b.Count));
        var alone = cost.Of(rows);
        var (best, bestCount, tokens, redone) = (written / alone, 0, (double)written, 0.0);
        for (var n = 1; n <= all.Count && rows + n <= PassCost.MostRows; n++)
        {
            tokens += all[n - 1].Chance;
            redone += all[n - 1].Redone;
            var seconds = cost.Of(rows + n);
            var speed = tokens / (seconds + redone * Math.Max(0, seconds - alone) / n);
            if (speed > best) (best, bestCount) = (speed, n);
        }
        var kept = new int[texts.Count];
        foreach (var (_, text, count, _) in all.Take(bestCount)) kept[text] = Math.Max(kept[text], count);
        foreach (var (i, text) in texts.Index()) text.Drafts.RemoveRange(kept[i], text.Drafts.Count - kept[i]);
    }
}
