using System.Text;
using Dolmen.Tokenization;

namespace Dolmen.Inference;

/// <summary>"Don't repeat yourself" (p-e-w 2024, as in llama.cpp): a token that would make the end of the text repeat an earlier piece of n
/// tokens loses Multiplier · Base^(n − AllowedLength), n being at least AllowedLength.</summary>
/// <param name="Multiplier">0 does nothing.</param>
/// <param name="AllowedLength">Repeated pieces shorter than this cost nothing.</param>
/// <param name="Window">Tokens at the end of the text that are looked at; −1 for all.</param>
public sealed record DryOptions(double Multiplier, double Base = 1.75, int AllowedLength = 2, int Window = -1)
{
    /// <summary>Texts that end a repeated piece, as llama.cpp has them.</summary>
    public static IReadOnlyList<string> DefaultBreakers { get; } = ["\n", ":", "\"", "*"];

    /// <summary>Tokens that end a repeated piece; see <see cref="BreakersOf"/>.</summary>
    public IReadOnlySet<int> Breakers { get; init; } = new HashSet<int>();

    /// <summary>The tokens that hold one of these texts.</summary>
    public static IReadOnlySet<int> BreakersOf(Tokenizer tokenizer, IReadOnlyList<string> texts)
    {
        var wanted = texts.Where(text => text.Length > 0).Select(Encoding.UTF8.GetBytes).ToList();
        return Enumerable.Range(0, tokenizer.VocabSize)
            .Where(token => wanted.Any(bytes => tokenizer.BytesOf(token).IndexOf(bytes) >= 0)).ToHashSet();
    }

    internal IEnumerable<string> Problems()
    {
        if (!(Multiplier is >= 0 and <= 100)) yield return $"dry-multiplier is {Multiplier}: it must be between 0 (off) and 100. Try 0.8.";
        if (!(Base is >= 1 and <= 100)) yield return $"dry-base is {Base}: it must be between 1 and 100. Try 1.75.";
        if (AllowedLength < 1) yield return $"dry-allowed-length is {AllowedLength}: it must be at least 1. Try 2.";
        if (Window < -1) yield return $"dry-penalty-last-n is {Window}: it must be at least 0, or -1 for the whole text.";
    }
}

/// <summary>Applies <see cref="DryOptions"/> to one text as it grows.</summary>
internal sealed class DryPenalty(DryOptions options, IEnumerable<int> prompt)
{
    private readonly List<int> _text = [.. prompt];
    private readonly Dictionary<int, int> _longest = [];
    private int[] _matches = [];

    public void Add(int token) => _text.Add(token);

    public void Apply(Span<float> logits)
    {
        FindMatches();
        foreach (var (token, length) in _longest)
        {
            if (length < options.AllowedLength || token >= logits.Length) continue;
            // Beyond this the token cannot be drawn anyway, and the power would overflow.
            var power = Math.Min(length - options.AllowedLength, Math.Log(1e30) / Math.Log(Math.Max(options.Base, 1.000001)));
            logits[token] -= (float)Math.Min(options.Multiplier * Math.Pow(options.Base, power), 1e30);
        }
    }

    /// <summary>For each token that followed an earlier piece equal to the end of the text: the length of the longest such piece.</summary>
    private void FindMatches()
    {
        _longest.Clear();
        var count = options.Window < 0 ? _text.Count : Math.Min(options.Window, _text.Count);
        // Pieces do not reach over a breaker.
        var limit = 0;
        while (limit < count && !options.Breakers.Contains(_text[^(limit + 1)])) limit++;
        if (limit < options.AllowedLength) return;
        if (_matches.Length < count) _matches = new int[2 * count];
        // The Z-function (Gusfield 1997, §1.4) of the text read backwards: how much of the end is repeated before each place.
        for (int i = 1, left = 0, right = 0; i < count; i++)
        {
            var length = i < right ? Math.Min(right - i, _matches[i - left]) : 0;
            while (i + length < count && _text[^(length + 1)] == _text[^(i + length + 1)]) length++;
            _matches[i] = length;
            if (i + length > right) (left, right) = (i, i + length);
            var repeated = Math.Min(length, limit);
            if (repeated == 0) continue;
            var next = _text[^i];
            if (repeated > _longest.GetValueOrDefault(next)) _longest[next] = repeated;
        }
    }
}
