namespace Dolmen.Tokenization;

/// <summary>Distinct words with how often they occur and how much an occurrence weighs.</summary>
internal sealed class WordList
{
    /// <summary>Occurrences weigh whole numbers, so that sums do not depend on their order; this is a weight of 1.</summary>
    public const int UnitWeight = 1 << 10;

    private readonly List<int> _starts = [0];
    private readonly List<long> _counts = [];
    private readonly List<int> _languages = [];
    private byte[] _bytes = new byte[1 << 16];

    /// <summary>The weight of an occurrence in each language; null where all weigh the same.</summary>
    private long[]? _weights;

    public int Count => _counts.Count;

    public int Bytes => _starts[^1];

    /// <summary>Words left out because they did not fit in memory, and how often they occur less often than those kept.</summary>
    public (long Words, long Below) Dropped { get; init; }

    public bool IsWeighted => _weights is not null;

    public ReadOnlySpan<byte> this[int word] => _bytes.AsSpan(_starts[word], _starts[word + 1] - _starts[word]);

    public long CountOf(int word) => _counts[word];

    public long WeightOf(int word) => _weights is null ? _counts[word] : _counts[word] * _weights[_languages[word]];

    public void Add(ReadOnlySpan<byte> word, int language, long count)
    {
        var end = Bytes + (long)word.Length;
        if (end > _bytes.Length) Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max(end, 2L * _bytes.Length)));
        word.CopyTo(_bytes.AsSpan(Bytes));
        _starts.Add((int)end);
        _counts.Add(count);
        _languages.Add(language);
    }

    /// <summary>
    /// Weighs languages as if each were <c>p^exponent</c> of the text, where p is its share by bytes: 1 leaves them as they are, 0 makes
    /// all equal. The least raised language weighs 1.
    /// </summary>
    public double[] Balance(IReadOnlyList<long> languageBytes, double exponent)
    {
        var raised = languageBytes.Select(bytes => bytes == 0 ? 0 : Math.Pow(bytes, exponent - 1)).ToArray();
        var least = raised.Where(weight => weight > 0).DefaultIfEmpty(1).Min();
        var weights = raised.Select(weight => weight / least).ToArray();
        _weights = [.. weights.Select(weight => (long)Math.Round(Math.Min(weight, 1e6) * UnitWeight))];
        return weights;
    }
}
