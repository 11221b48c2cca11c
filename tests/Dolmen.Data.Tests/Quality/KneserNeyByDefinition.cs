namespace Dolmen.Tests.Data.Quality;

/// <summary>Interpolated modified Kneser-Ney straight from its definition, with strings as keys and recursion: slow, and written to be
/// checked by eye.
/// Words are split at blanks alone, so texts given to it hold letters and blanks only.</summary>
internal sealed class KneserNeyByDefinition
{
    private const string Start = "<s>", End = "</s>", Unknown = "<unk>";

    private readonly int _order;
    private readonly HashSet<string> _vocabulary;
    private readonly int _unknownTypes;
    private readonly Dictionary<string, int>[] _raw;                     // occurrences, by order
    private readonly Dictionary<string, int>[] _counts;                  // what Kneser and Ney count, by order

    public KneserNeyByDefinition(IEnumerable<string> texts, int order, int minWord)
    {
        _order = order;
        var lines = texts
            .SelectMany(t => t.Split('\n'))
            .Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(l => l.Length > 0)
            .ToList();
        var words = lines.SelectMany(l => l).GroupBy(w => w).ToDictionary(g => g.Key, g => g.Count());
        _vocabulary = [.. words.Where(w => w.Value >= minWord).Select(w => w.Key)];
        _unknownTypes = words.Count - _vocabulary.Count + 1;
        _raw = [.. Enumerable.Range(0, order + 1).Select(_ => new Dictionary<string, int>())];
        foreach (var line in lines)
        {
            string[] tokens = [Start, .. line.Select(Known), End];
            for (var end = 0; end < tokens.Length; end++)
                for (var n = 1; n <= order && n <= end + 1; n++)
                {
                    var key = string.Join(' ', tokens[(end - n + 1)..(end + 1)]);
                    _raw[n][key] = _raw[n].GetValueOrDefault(key) + 1;
                }
        }
        _counts =
        [
            .. Enumerable
                .Range(0, order + 1)
                .Select(n =>
                    _raw[n]
                        .Where(r => r.Key != Start)
                        .ToDictionary(
                            r => r.Key,
                            r =>
                                n == order || r.Key.StartsWith(Start)
                                    ? r.Value
                                    : _raw[n + 1].Keys.Count(longer => longer.EndsWith(" " + r.Key))
                        )
                ),
        ];
    }

    public double Perplexity(string text)
    {
        double nats = 0;
        var count = 0;
        foreach (var line in text.Split('\n').Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(l => l.Length > 0))
        {
            string[] tokens = [Start, .. line.Select(Known), End];
            for (var i = 1; i < tokens.Length; i++, count++)
            {
                var probability = Probability(tokens[i], tokens[Math.Max(0, i - _order + 1)..i]);
                nats -= Math.Log(tokens[i] == Unknown ? probability / _unknownTypes : probability);
            }
        }
        return Math.Exp(nats / count);
    }

    private string Known(string word) => _vocabulary.Contains(word) ? word : Unknown;

    private double Probability(string word, string[] context)
    {
        var n = context.Length + 1;
        var shorter = n == 1 ? 1.0 / (_vocabulary.Count + 2) : Probability(word, context[1..]);
        var prefix = n == 1 ? "" : string.Join(' ', context) + " ";
        var following = _counts[n].Where(c => n == 1 || (c.Key.StartsWith(prefix) && c.Key.Split(' ').Length == n)).ToList();
        if (following.Count == 0) return shorter;
        double total = following.Sum(f => f.Value);
        var own = _counts[n].GetValueOrDefault(prefix + word);
        var discounts = Discounts(n);
        var left = following.Sum(f => discounts[Math.Min(f.Value, 3)]) / total;
        return ((own == 0 ? 0 : own - discounts[Math.Min(own, 3)]) / total) + (left * shorter);
    }

    private double[] Discounts(int n)
    {
        double Having(int count) => _counts[n].Values.Count(c => c == count);
        if (Having(1) * Having(2) * Having(3) * Having(4) == 0) return [0, 0.5, 1, 1.5];
        var y = Having(1) / (Having(1) + (2 * Having(2)));
        double[] usual = [0, 0.5, 1, 1.5];
        for (var c = 1; c <= 3; c++)
            if (c - ((c + 1) * y * Having(c + 1) / Having(c)) is > 0 and var d && d <= c) usual[c] = d;
        return usual;
    }
}
