namespace Dolmen.Inference;

/// <summary>Tokens that a draw may take, each with its weight. Filters select without sorting more than they must; among equal weights
/// lower ids come first.</summary>
internal struct Candidates
{
    /// <summary>Spans of keys up to this long are sorted.</summary>
    private const int Sorted = 24;

    // The complement of the weight's bits, then the id: ascending keys are the likeliest first. Weights are not negative.
    private ulong[] _keys;
    private int _count;

    private readonly Span<ulong> Keys => _keys.AsSpan(0, _count);

    /// <summary>Takes the tokens that weigh something, and at least <paramref name="floor"/>.</summary>
    public void Gather(ReadOnlySpan<float> weights, double floor)
    {
        if (_keys is null || _keys.Length < weights.Length) _keys = new ulong[weights.Length];
        _count = 0;
        var least = (float)floor;
        // Rounded up, the floor could drop what it should keep.
        if (least > floor) least = MathF.BitDecrement(least);
        for (var id = 0; id < weights.Length; id++)
        {
            var weight = weights[id];
            _keys[_count] = (ulong)~BitConverter.SingleToUInt32Bits(weight) << 32 | (uint)id;
            if (weight > 0 && weight >= least) _count++;
        }
    }

    /// <summary>Keeps the likeliest <paramref name="most"/>.</summary>
    /// <returns>What they weigh together.</returns>
    public double KeepCount(int most)
    {
        if (most < _count) _count = Select(most, byMass: false);
        var total = 0.0;
        foreach (var key in Keys) total += WeightOf(key);
        return total;
    }

    /// <summary>Keeps the likeliest until they weigh <paramref name="wanted"/> together.</summary>
    public void KeepMass(double wanted) => _count = Select(wanted, byMass: true);

    /// <summary>Keeps those that weigh at least <paramref name="least"/> of what the likeliest does.</summary>
    public void KeepHeavy(double least)
    {
        var heaviest = 0f;
        foreach (var key in Keys) heaviest = Math.Max(heaviest, WeightOf(key));
        var kept = 0;
        foreach (var key in Keys)
        {
            if (WeightOf(key) >= least * heaviest) _keys[kept++] = key;
        }
        _count = kept;
    }

    /// <summary>Keeps the tokens whose surprise is nearest to the expected one until they hold <paramref name="share"/> of the
    /// probability.</summary>
    public void KeepTypical(double share)
    {
        double total = 0, entropy = 0, reached = 0;
        Keys.Sort();
        foreach (var key in Keys) total += WeightOf(key);
        foreach (var key in Keys) entropy -= WeightOf(key) / total * Math.Log(WeightOf(key) / total);
        Keys.Sort((a, b) => Distance(a).CompareTo(Distance(b)) is not 0 and var order ? order : a.CompareTo(b));
        var count = 0;
        while (count < _count && reached < share * total) reached += WeightOf(_keys[count++]);
        _count = count;

        double Distance(ulong key) => Math.Abs(-Math.Log(WeightOf(key) / total) - entropy);
    }

    /// <param name="at">Which share of the weight, below 1, the token drawn lies at.</param>
    public readonly int Draw(double at)
    {
        double mass = 0;
        foreach (var key in Keys) mass += WeightOf(key);
        var left = at * mass;
        foreach (var key in Keys)
        {
            left -= WeightOf(key);
            if (left < 0) return (int)(uint)key;
        }
        return (int)(uint)_keys[_count - 1];                             // rounding may leave a grain over
    }

    private static float WeightOf(ulong key) => BitConverter.UInt32BitsToSingle(~(uint)(key >> 32));

    /// <summary>Moves the likeliest to the front until they are <paramref name="wanted"/> together, in number or in weight: as quickselect
    /// does, only the part in which that is reached is parted further (Hoare 1961).</summary>
    /// <returns>How many they are; all where they are not enough.</returns>
    private readonly int Select(double wanted, bool byMass)
    {
        var (low, high, reached) = (0, _count, 0.0);
        while (high - low > Sorted)
        {
            var middle = Part(low, high);
            var left = reached;
            for (var i = low; i < middle; i++) left += Amount(_keys[i]);
            if (left >= wanted) high = middle;
            else (low, reached) = (middle, left);
        }
        _keys.AsSpan(low, high - low).Sort();
        while (low < high && reached < wanted) reached += Amount(_keys[low++]);
        return low;

        double Amount(ulong key) => byMass ? WeightOf(key) : 1;
    }

    /// <summary>Parts a span of keys, all different, at the middle of three of them, which is neither the first nor the last in
    /// order.</summary>
    /// <returns>Where the second part begins; neither is empty.</returns>
    private readonly int Part(int low, int high)
    {
        var (a, b, c) = (_keys[low], _keys[(low + high) / 2], _keys[high - 1]);
        var pivot = Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));
        var (i, j) = (low - 1, high);
        while (true)
        {
            do i++; while (_keys[i] < pivot);
            do j--; while (_keys[j] > pivot);
            if (i >= j) return j + 1;
            (_keys[i], _keys[j]) = (_keys[j], _keys[i]);
        }
    }
}
