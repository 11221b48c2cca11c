using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Frozen;
using Dolmen.Artifacts;

namespace Dolmen.Data.Filters;

/// <param name="Lists">A folder with a list for each language, named by its code (<c>en</c>, <c>ko.txt</c>, <c>de.json</c>), as the
/// "List of Dirty, Naughty, Obscene, and Otherwise Bad Words" is laid out.</param>
/// <param name="MaxRatio">Most bad words per word of the text.</param>
/// <param name="MaxWords">Most bad words at all, in the documents that the draw does not spare; C4 allows none.</param>
/// <param name="KeepFraction">Share of documents that the draw, made by the text and the seed, spares from
/// <paramref name="MaxWords"/>.</param>
internal sealed record BadWordsSettings(
    string Lists,
    double? MaxRatio = null,
    double? MaxWords = null,
    double KeepFraction = 0,
    int Seed = 0
);

/// <summary>C4's bad-word rule (JMLR 21/140, 2.2) as datatrove's C4BadWordsFilter has it, and a ratio of such words for toxicity and adult
/// pages: entries count where no letter, digit or underscore touches them, in Japanese, Thai and Chinese anywhere, with the same few
/// entries left out there. Otherwise than there: marks are part of a word (they are letters to a reader of Hindi or Thai), the draw goes by
/// a hash and not by the order of documents, and a language without a list is not measured.</summary>
internal sealed class BadWords : IFilter
{
    private const int Words = 0, Ratio = 1, Drawn = 2;
    private static readonly FrozenSet<string> Allowed = new[] { "ja sm", "ja グロ", "ja 女の子", "zh 性" }.ToFrozenSet(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Lazy<List?>> _lists = new(StringComparer.Ordinal);
    private readonly Lazy<FrozenDictionary<string, string>> _files;
    private readonly RuleList _rules;
    private readonly BadWordsSettings _settings;

    private sealed record List(SearchValues<string> Search, string[] ByLength, bool Anywhere);

    public BadWords(BadWordsSettings settings)
    {
        _settings = settings;
        // Read once something is measured: who only asks for the rules may do so without the lists.
        _files = new(() => Files(settings.Lists));
        _rules = new(Name, (rules, _) =>
        {
            rules.AtMost("maxWords", Drawn, settings.MaxWords ?? 0);
            rules.AtMost("maxRatio", Ratio, settings.MaxRatio ?? RuleList.Off);
        });
    }

    public string Name => "badWords";

    public IReadOnlyList<string> Measures { get; } = ["bad_words_words", "bad_words_ratio", "bad_words_drawn_words"];

    public IReadOnlyList<Rule> Rules(string language) => _rules.For(language);

    public void Measure(TextView text, string language, Span<double> values)
    {
        values.Fill(double.NaN);
        if (_lists.GetOrAdd(language, code => new(() => Load(code))).Value is not { } list) return;
        var count = Count(text.Text, list);
        values[Words] = count;
        values[Ratio] = text.Words.Length == 0 ? double.NaN : Math.Min(1, (double)count / text.Words.Length);
        var draw = (TextHash.Append(TextHash.Of(text.Text), (ulong)_settings.Seed) >> 11) * (1.0 / (1ul << 53));
        if (count == 0 || draw >= _settings.KeepFraction) values[Drawn] = count;
    }

    private static FrozenDictionary<string, string> Files(string folder)
    {
        if (!Directory.Exists(folder))
            throw new UserErrorException(
                $"filters.badWords.lists is {folder}, which is not a folder: it should hold a word list for each language, named by its "
                    + $"code (en, ko.txt, de.json). Give such a folder, or leave badWords out."
            );
        return Directory
            .EnumerateFiles(folder)
            .Order(StringComparer.Ordinal)
            .GroupBy(path => Path.GetFileName(path).Split('.')[0], StringComparer.Ordinal)
            .ToFrozenDictionary(group => group.Key, group => group.First(), StringComparer.Ordinal);
    }

    private List? Load(string language)
    {
        if (!_files.Value.TryGetValue(language, out var path))
            return null;
        var words = WordListFile
            .Read(path)
            .Where(word => !Allowed.Contains($"{language} {word}"))
            .Distinct(StringComparer.OrdinalIgnoreCase)
            .ToArray();
        return words.Length == 0
            ? null
            : new(
                SearchValues.Create(words, StringComparison.OrdinalIgnoreCase),
                [.. words.OrderByDescending(word => word.Length)],
                language is "ja" or "th" or "zh"
            );
    }

    private static int Count(ReadOnlySpan<char> text, List list)
    {
        var count = 0;
        for (var at = 0; at < text.Length;)
        {
            var found = text[at..].IndexOfAny(list.Search);
            if (found < 0) break;
            at += found;
            var length = LengthAt(text, at, list);
            if (length > 0) count++;
            at += Math.Max(1, length);
        }
        return count;
    }

    private static int LengthAt(ReadOnlySpan<char> text, int at, List list)
    {
        if (!list.Anywhere && at > 0 && IsWord(text[at - 1])) return 0;
        foreach (var word in list.ByLength)
        {
            if (!text[at..].StartsWith(word, StringComparison.OrdinalIgnoreCase)) continue;
            var end = at + word.Length;
            if (list.Anywhere || end == text.Length || !IsWord(text[end])) return word.Length;
        }
        return 0;
    }

    private static bool IsWord(char unit) => unit == '_' || CharClasses.Of(unit) <= CharClass.Cluster || char.IsSurrogate(unit);
}
