using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Dolmen.Data.Languages;

/// <summary>Which language of a script a text is in, by its trigrams: what Lingua computes in its low accuracy mode, but with the costs
/// of a trigram in all languages side by side in one line of memory, some hundred times as fast. Safe to use from many threads at
/// once.</summary>
internal sealed class TrigramModel
{
    /// <summary>Longer samples are cut: the sums are of 16 bits.</summary>
    public const int MaxLetters = 1024;
    // Costs are negative logarithms in steps of a quarter, so that a thousand of the dearest still fit into 16 bits: 1024 * 63 < 65536.
    private const float Steps = 4;
    private const byte Dearest = 63;
    /// <summary>A trigram the language's million sentences lack is this much rarer than its last two letters would make it.</summary>
    private const float Unseen = 0.01f;
    /// <summary>Trigrams that are rarer than this in every language are left out to save memory.</summary>
    private const double LeastFrequency = 1e-6;
    /// <summary>How much surer the sum of many trigrams is than it may be, as they overlap and repeat.</summary>
    private const double Dependence = 2;
    /// <summary>Natural logarithms a trigram, by which a text may cost more than the language's own texts on average (rare trigrams count
    /// as much as frequent ones here), and by which it costs so much more that it is in none of the languages.</summary>
    private const double Usual = 0.5, Foreign = 1.3;
    /// <summary>Standard deviation of the cost of one trigram: a few of them may cost more by chance.</summary>
    private const double Deviation = 2;
    private readonly string[] _languages;
    private readonly ulong[] _keys;
    private readonly int[] _rows;
    private readonly byte[] _costs;
    // Natural logarithms a trigram of a language's own texts costs on average.
    private readonly double[] _own;
    private readonly Script _script;

    public TrigramModel(Script script, string[] languages)
    {
        if (languages.Length > Vector512<byte>.Count)
            throw new ArgumentException($"{languages.Length} languages are more than {Vector512<byte>.Count}", nameof(languages));
        (_script, _languages) = (script, languages);
        var models = languages
            .AsParallel()
            .AsOrdered()
            .Select(language => new LinguaNGrams(language == "no" ? "nb" : language, script))
            .ToArray();
        var trigrams = Frequent(models);
        _keys = new ulong[(int)BitOperations.RoundUpToPowerOf2((uint)trigrams.Length * 2 + 1)];
        _rows = new int[_keys.Length];
        _costs = new byte[(trigrams.Length + 1) * Vector512<byte>.Count];
        for (var row = 0; row < trigrams.Length; row++)
        {
            var slot = Slot(trigrams[row]);
            (_keys[slot], _rows[slot]) = (trigrams[row], row);
        }
        _own = new double[models.Length];
        Parallel.For(0, models.Length, i =>
        {
            Fill(models[i], trigrams, _costs.AsSpan(i));
            _own[i] = OwnCost(models[i]);
        });
    }

    public ReadOnlySpan<string> Languages => _languages;

    public bool Knows(string language) => _languages.AsSpan().Contains(language);

    /// <param name="evidence">Natural logarithms that speak for each language besides; none when empty.</param>
    public LanguageGuess Identify(ReadOnlySpan<char> sample, ReadOnlySpan<double> evidence = default)
    {
        Span<ulong> seen = stackalloc ulong[2 * MaxLetters];
        seen.Clear();
        var (low, high) = (Vector512<ushort>.Zero, Vector512<ushort>.Zero);
        ref var costs = ref MemoryMarshal.GetArrayDataReference(_costs);
        var (trigrams, unknown, word) = (0, 0, 0UL);
        foreach (var character in sample)
        {
            if (Scripts.Of(character) != _script)
            {
                word = 0;
                continue;
            }
            word = LinguaNGrams.Key(word, char.ToLowerInvariant(character));
            if (word >> 32 == 0 || !IsFirst(seen, word)) continue;
            if (++trigrams > MaxLetters) break;
            var slot = Slot(word);
            if (_keys[slot] != word)
            {
                unknown++;
                continue;
            }
            var row = Vector512.LoadUnsafe(ref costs, (nuint)_rows[slot] * (nuint)Vector512<byte>.Count);
            low += Vector512.WidenLower(row);
            high += Vector512.WidenUpper(row);
        }
        if (trigrams == 0) return LanguageGuess.Unknown;

        Span<ushort> sums = stackalloc ushort[Vector512<byte>.Count];
        low.CopyTo(sums);
        high.CopyTo(sums[Vector512<ushort>.Count..]);
        Span<double> logarithms = stackalloc double[_languages.Length];
        var best = 0;
        for (var i = 0; i < _languages.Length; i++)
        {
            logarithms[i] = (evidence.IsEmpty ? 0 : evidence[i]) - sums[i] / (Steps * Dependence);
            if (logarithms[i] > logarithms[best]) best = i;
        }
        double all = 0;
        foreach (var logarithm in logarithms) all += Math.Exp(logarithm - logarithms[best]);
        var perTrigram = (sums[best] + unknown * (double)Dearest) / Steps / trigrams;
        var excess = perTrigram - _own[best] - Deviation / Math.Sqrt(trigrams);
        return new(_languages[best], Math.Clamp((Foreign - excess) / (Foreign - Usual), 0, 1) / all);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static ulong[] Frequent(LinguaNGrams[] models)
    {
        var frequent = new HashSet<ulong>();
        foreach (var model in models)
            foreach (var (letters, frequency) in model.Trigrams)
                if (frequency >= LeastFrequency) frequent.Add(letters);
        return [.. frequent.Order()];
    }

    // Runs long the first time, so it must not begin as unoptimised code.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fill(LinguaNGrams model, ReadOnlySpan<ulong> trigrams, Span<byte> costs)
    {
        for (var row = 0; row < trigrams.Length; row++) costs[row * Vector512<byte>.Count] = Cost(model, trigrams[row]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double OwnCost(LinguaNGrams model)
    {
        double sum = 0, frequencies = 0;
        foreach (var (letters, frequency) in model.Trigrams)
        {
            sum += frequency * -Math.Log(model.Probability(letters, 3));
            frequencies += frequency;
        }
        return sum / frequencies;
    }

    private static byte Cost(LinguaNGrams model, ulong trigram)
    {
        var probability = model.Probability(trigram, 3);
        if (probability == 0) probability = Unseen * model.Probability(trigram & 0xFFFF_FFFF, 2);
        if (probability == 0) probability = Unseen * Unseen * model.Probability(trigram & 0xFFFF, 1);
        return probability == 0 ? Dearest : (byte)Math.Min(Dearest, MathF.Round(-MathF.Log(probability) * Steps));
    }

    /// <summary>Puts a trigram into the table unless it is there.</summary>
    private static bool IsFirst(Span<ulong> seen, ulong trigram)
    {
        var mask = seen.Length - 1;
        for (var slot = Scatter(trigram) & mask; ; slot = (slot + 1) & mask)
        {
            if (seen[slot] == trigram) return false;
            if (seen[slot] != 0) continue;
            seen[slot] = trigram;
            return true;
        }
    }

    /// <summary>Where a trigram is, or would be.</summary>
    private int Slot(ulong trigram)
    {
        var mask = _keys.Length - 1;
        var slot = Scatter(trigram) & mask;
        while (_keys[slot] != 0 && _keys[slot] != trigram) slot = (slot + 1) & mask;
        return slot;
    }

    private static int Scatter(ulong trigram) => (int)(unchecked(trigram * 0x9E3779B97F4A7C15UL) >> 33);
}
