namespace Dolmen.Data.Mixing;

/// <summary>Which documents of a component are taken: all of them for some epochs, and once more those that come first in a random
/// order.</summary>
internal sealed class ComponentPlan
{
    private readonly List<(ulong Place, int Tokens)> _items = [];        // one a copy

    public long Documents { get; private set; }

    public long Tokens { get; private set; }

    public int Epochs { get; private set; }

    /// <summary>Copies whose draw for the last, partial epoch is at most this are in it.</summary>
    public ulong? Last { get; private set; }

    public long Taken { get; private set; }

    public long TakenDocuments { get; private set; }

    public void Add(in MixtureRow row)
    {
        var copies = MixtureRows.WholeCopies(row);
        for (var copy = 0; copy < copies; copy++) _items.Add((Copy(row.Place, copy), row.Tokens));
        Documents++;
        Tokens += (long)copies * row.Tokens;
    }

    public void Merge(ComponentPlan other)
    {
        _items.AddRange(other._items);
        Documents += other.Documents;
        Tokens += other.Tokens;
    }

    /// <param name="round">Where a document would be cut by the budget: 0 takes it when most of it fits, below 0 never, above 0
    /// always.</param>
    public void Take(double tokens, int round)
    {
        if (Tokens == 0) return;
        var epochs = tokens / Tokens;
        Epochs = (int)(epochs + 1e-9);
        Taken = Tokens * Epochs;
        TakenDocuments = (long)_items.Count * Epochs;
        var rest = tokens - Taken;
        if (rest <= 1e-6 * Tokens / Math.Max(_items.Count, 1)) return;
        var draws = _items.Select(i => (Draw: MixtureRows.Spread(i.Place, 1 + Epochs), i.Tokens)).ToArray();
        Array.Sort(draws);
        long sum = 0;
        for (var i = 0; i < draws.Length;)
        {
            // Copies with the same draw (the same id twice) go together, or which of them is taken would depend on the order of files.
            var (end, size) = (i, 0L);
            while (end < draws.Length && draws[end].Draw == draws[i].Draw) size += draws[end++].Tokens;
            var fits = round < 0 ? sum + size <= rest : round > 0 ? sum < rest : sum + (size / 2.0) <= rest;
            if (!fits) break;
            (Last, sum) = (draws[i].Draw, sum + size);
            TakenDocuments += end - i;
            i = end;
        }
        Taken += sum;
    }

    /// <summary>The places in the shuffled whole of every copy of a document that is taken.</summary>
    public void Places(in MixtureRow row, List<ulong> places)
    {
        places.Clear();
        var copies = MixtureRows.WholeCopies(row);
        for (var copy = 0; copy < copies; copy++)
        {
            var place = Copy(row.Place, copy);
            // Another draw than the one that chose them, or the partial epoch would come first.
            for (var epoch = 0; epoch < Epochs; epoch++) places.Add(MixtureRows.Spread(place, -2 - epoch));
            if (Last is { } last && MixtureRows.Spread(place, 1 + Epochs) <= last) places.Add(MixtureRows.Spread(place, -2 - Epochs));
        }
    }

    private static ulong Copy(ulong place, int copy) => copy == 0 ? place : MixtureRows.Spread(place, 1_000_000 + copy);
}
