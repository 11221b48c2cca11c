using System.Numerics;

namespace Dolmen.Data.Quality.Perplexity;

/// <summary>Counts, discounts and shares of an interpolated Kneser-Ney model. Below the highest order an n-gram counts as often as
/// different tokens stand before it; where nothing can, at the start of a line, as often as it occurs. What is pruned goes to the shorter
/// context, so that probabilities still sum to one.</summary>
internal sealed class KneserNey
{
    // Where a text is too small to estimate discounts from; KenLM's (Heafield et al. 2013).
    private static readonly double[] Fallback = [0.5, 1, 1.5];

    private readonly ulong[] _tokens;
    private readonly int _order;
    private readonly NgramCounts[] _counts;                              // [k - 1] of order k
    private readonly NgramCounts[] _totals;                              // [k - 1]: of contexts of k - 1 tokens
    private readonly double[][] _spent;                                  // by slot of _totals: what kept n-grams take

    private KneserNey(ulong[] tokens, int order)
    {
        (_tokens, _order) = (tokens, order);
        _counts = new NgramCounts[order];
        _totals = new NgramCounts[order];
        _spent = new double[order][];
        Discounts = new double[order][];
        for (var k = 0; k < order; k++) (_counts[k], _totals[k]) = (new(), new());
    }

    /// <summary>The discounts of each order for counts of 1, 2, and 3 or more.</summary>
    public double[][] Discounts { get; }

    public IReadOnlyList<long> Seen => [.. _counts.Select(c => (long)c.Count)];

    public IReadOnlyList<long> Kept => [.. _counts.Select(c => (long)c.Kept.Count(k => k))];

    public uint[] Prints { get; private set; } = [];

    public float[] Shares { get; private set; } = [];

    public float[] Rests { get; private set; } = [];

    public int Bits { get; private set; }

    /// <summary>What the unigrams leave to the uniform distribution.</summary>
    public double UniformShare { get; private set; }

    /// <param name="tokens">Lines of tokens, each between its start and its end.</param>
    /// <param name="minCounts">By order: rarer n-grams are left out, unless a longer one that is kept needs them.</param>
    public static KneserNey Fit(ulong[] tokens, int order, ReadOnlySpan<int> minCounts, CancellationToken stop)
    {
        var model = new KneserNey(tokens, order);
        model.CountAll(stop);
        for (var k = 1; k <= order; k++) model.Discount(k);
        for (var k = order; k >= 1; k--) model.Prune(k, minCounts[k - 1]);
        for (var k = 1; k <= order; k++) model.Spend(k);
        model.Pack();
        return model;
    }

    private ulong KeyAt(int end, int length)
    {
        ulong key = 0;
        for (var i = end; i > end - length; i--) key = NgramModel.Combine(key, _tokens[i]);
        return key;
    }

    private void CountAll(CancellationToken stop)
    {
        var start = 0;
        for (var end = 0; end < _tokens.Length; end++)
        {
            if (_tokens[end] == NgramTokens.LineStart)
            {
                start = end;
                stop.ThrowIfCancellationRequested();
                continue;
            }
            var length = end - start + 1;
            if (length >= _order) _counts[_order - 1].Add(KeyAt(end, _order), end);
            else _counts[length - 1].Add(KeyAt(end, length), end);       // from the start of the line
        }
        for (var k = _order; k >= 2; k--)
        {
            stop.ThrowIfCancellationRequested();
            var counts = _counts[k - 1];
            for (var slot = 0; slot < counts.Capacity; slot++)
                if (counts.CountAt(slot) > 0) _counts[k - 2].Add(KeyAt(counts.EndAt(slot), k - 1), counts.EndAt(slot));
        }
        for (var k = 1; k <= _order; k++)
        {
            var counts = _counts[k - 1];
            counts.Close();
            for (var slot = 0; slot < counts.Capacity; slot++)
                if (counts.CountAt(slot) > 0)
                    _totals[k - 1].Add(KeyAt(counts.EndAt(slot) - 1, k - 1), counts.EndAt(slot), counts.CountAt(slot));
            _spent[k - 1] = new double[_totals[k - 1].Capacity];
        }
    }

    private void Discount(int k)
    {
        var counts = _counts[k - 1];
        Span<long> having = stackalloc long[5];
        for (var slot = 0; slot < counts.Capacity; slot++)
            if (counts.CountAt(slot) is >= 1 and <= 4 and var count) having[count]++;
        Discounts[k - 1] = [.. Fallback];
        if (having[1] == 0 || having[2] == 0 || having[3] == 0 || having[4] == 0) return;
        var y = having[1] / (having[1] + (2.0 * having[2]));
        for (var c = 1; c <= 3; c++)
        {
            var discount = c - ((c + 1) * y * having[c + 1] / having[c]);
            if (discount is > 0 && discount <= c) Discounts[k - 1][c - 1] = discount;
        }
    }

    private void Prune(int k, int minCount)
    {
        var counts = _counts[k - 1];
        for (var slot = 0; slot < counts.Capacity; slot++)
        {
            if (counts.CountAt(slot) == 0 || !(k == 1 || counts.Kept[slot] || counts.CountAt(slot) >= minCount)) continue;
            counts.Kept[slot] = true;
            if (k == 1) continue;
            var end = counts.EndAt(slot);
            Keep(KeyAt(end, k - 1));                                     // so that a search from the shortest on finds it
            Keep(KeyAt(end - 1, k - 1));                                 // where what it leaves is written
        }

        void Keep(ulong key)
        {
            // The start of a line is a context and never predicted: it has no count.
            if (_counts[k - 2].Find(key) is >= 0 and var shorter) _counts[k - 2].Kept[shorter] = true;
        }
    }

    private double Share(int k, int slot)
    {
        var counts = _counts[k - 1];
        var count = counts.CountAt(slot);
        var total = _totals[k - 1].CountAt(_totals[k - 1].Find(KeyAt(counts.EndAt(slot) - 1, k - 1)));
        return (count - Discounts[k - 1][Math.Min(count, 3) - 1]) / total;
    }

    private void Spend(int k)
    {
        var counts = _counts[k - 1];
        for (var slot = 0; slot < counts.Capacity; slot++)
            if (counts.Kept[slot]) _spent[k - 1][_totals[k - 1].Find(KeyAt(counts.EndAt(slot) - 1, k - 1))] += Share(k, slot);
    }

    private void Pack()
    {
        // The start of a line and the unknown word are unigrams even where no text holds them.
        var entries = Kept.Sum() + 2;
        Bits = Math.Max(4, BitOperations.Log2(BitOperations.RoundUpToPowerOf2((ulong)(entries / 0.7) + 1)));
        (Prints, Shares, Rests) = (new uint[1 << Bits], new float[1 << Bits], new float[1 << Bits]);
        for (var k = 1; k <= _order; k++)
        {
            var counts = _counts[k - 1];
            for (var slot = 0; slot < counts.Capacity; slot++)
                if (counts.Kept[slot]) Put(counts.KeyAt(slot), Share(k, slot), k == _order ? 1 : Rest(k + 1, counts.KeyAt(slot)));
        }
        var start = NgramModel.Combine(0, NgramTokens.LineStart);
        Put(start, 0, Rest(2, start));
        if (_counts[0].Find(NgramModel.Combine(0, NgramModel.Unknown)) < 0) Put(NgramModel.Combine(0, NgramModel.Unknown), 0, 1);
        UniformShare = Rest(1, 0);
    }

    // What a context leaves to the next shorter one; all when nothing that follows it was kept.
    private double Rest(int k, ulong context) =>
        _totals[k - 1].Find(context) is >= 0 and var slot ? Math.Clamp(1 - _spent[k - 1][slot], 0, 1) : 1;

    private void Put(ulong key, double share, double rest)
    {
        var mask = Prints.Length - 1;
        var at = (int)(key >> (64 - Bits));
        while (Prints[at] != 0) at = (at + 1) & mask;
        (Prints[at], Shares[at], Rests[at]) = (NgramModel.Print(key), (float)share, (float)rest);
    }
}
