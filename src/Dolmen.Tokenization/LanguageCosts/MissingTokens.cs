using System.Runtime.InteropServices;

namespace Dolmen.Tokenization.LanguageCosts;

/// <summary>A word the vocabulary has no token for.</summary>
/// <param name="Word">With the space before it where there is one.</param>
/// <param name="Saved">Tokens less if it were one token.</param>
/// <param name="Pieces">What it is now; bytes that are not characters as \xED.</param>
internal sealed record CostlyWord(string Word, long Count, int Tokens, long Saved, IReadOnlyList<string> Pieces);

/// <summary>A merge that byte pair encoding would learn next from this language.</summary>
/// <param name="Saved">Tokens less after it, those of the merges before it apart.</param>
internal sealed record MissingMerge(string Left, string Right, string Token, long Saved);

/// <summary>What a vocabulary lacks for a language.</summary>
/// <param name="Tokens">All sentences, each encoded alone.</param>
/// <param name="TokensAfter">The same with the merges added.</param>
/// <param name="Words">Those whose own token would save most.</param>
/// <param name="Merges">In the order in which they would be learned.</param>
internal sealed record MissingTokens(
    string Language,
    long Tokens,
    long TokensAfter,
    IReadOnlyList<CostlyWord> Words,
    IReadOnlyList<MissingMerge> Merges
)
{
    internal static MissingTokens Of(Tokenizer tokenizer, LanguageText language, WordCutter cut, int listed, CancellationToken stop)
    {
        var texts = language.Sentences.Where(text => !string.IsNullOrWhiteSpace(text)).ToList();
        var steps = new NextMerges(tokenizer);
        foreach (var text in texts) steps.Add(text);
        var tokens = steps.Tokens;
        var merges = new List<MissingMerge>();
        while (merges.Count < listed && steps.Next() is { } merge)
        {
            stop.ThrowIfCancellationRequested();
            merges.Add(merge);
        }
        return new MissingTokens(language.Code, tokens, steps.Tokens, Costly(tokenizer, language.Code, texts, cut, listed), merges);
    }

    private static List<CostlyWord> Costly(
        Tokenizer tokenizer,
        string code,
        IReadOnlyList<string> texts,
        WordCutter cut,
        int listed
    )
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        var byWord = counts.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var text in texts)
        {
            foreach (var word in cut(text, code))
            {
                if (!word.IsAlphabetic) continue;
                // Vocabularies hold a word with the space before it.
                var start = word.Start > 0 && text[word.Start - 1] == ' ' ? word.Start - 1 : word.Start;
                CollectionsMarshal.GetValueRefOrAddDefault(byWord, text.AsSpan(start, word.End - start), out _)++;
            }
        }
        var costly = new List<CostlyWord>();
        foreach (var (word, count) in counts)
        {
            var tokens = tokenizer.Encode(tokenizer.DropsLeadingSpace ? word.AsSpan().TrimStart(' ') : word);
            if (tokens.Length > 1)
                costly.Add(
                    new CostlyWord(
                        word,
                        count,
                        tokens.Length,
                        count * (tokens.Length - 1),
                        [.. tokens.Select(token => TokenText.Of(tokenizer.BytesOf(token)))]
                    )
                );
        }
        return [.. costly.OrderByDescending(word => word.Saved).ThenBy(word => word.Word, StringComparer.Ordinal).Take(listed)];
    }
}

/// <summary>Goes on with byte pair encoding where a vocabulary stops, on one text: the most frequent pair first, of equally frequent ones
/// that with the smaller ids. Pairs lie within what the tokenizer's own pre-tokenizer cuts, or within words where it has none.</summary>
internal sealed class NextMerges(Tokenizer tokenizer)
{
    private readonly Dictionary<string, long> _pieces = new(StringComparer.Ordinal);     // token ids as chars, two each
    private readonly Dictionary<int, byte[]> _learned = [];
    private List<(int[] Tokens, long Count)>? _words;

    public long Tokens { get; private set; }

    public void Add(string text)
    {
        var tokens = tokenizer.Encode(text);
        Tokens += tokens.Length;
        var split = tokenizer is BpeTokenizer bpe ? Ends(bpe, tokens) : null;
        var (start, at) = (0, 0);
        for (var i = 0; i < tokens.Length; i++)
        {
            var bytes = BytesOf(tokens[i]);
            if (i > start && (split is null ? bytes.StartsWith((byte)' ') : split.Contains(at)))
                Close(tokens.AsSpan(start..i), ref start, i);
            at += bytes.Length;
        }
        Close(tokens.AsSpan(start), ref start, tokens.Length);
    }

    /// <summary>Null when no pair occurs twice.</summary>
    public MissingMerge? Next()
    {
        _words ??=
        [
            .. _pieces
                .OrderBy(piece => piece.Key, StringComparer.Ordinal)
                .Select(piece => (MemoryMarshal.Cast<char, int>(piece.Key).ToArray(), piece.Value)),
        ];
        var counts = new Dictionary<(int Left, int Right), long>();
        foreach (var (tokens, count) in _words)
            for (var i = 0; i + 1 < tokens.Length; i++)
                CollectionsMarshal.GetValueRefOrAddDefault(counts, (tokens[i], tokens[i + 1]), out _) += count;
        var ((left, right), most) = counts.Count == 0 ? default : counts.MinBy(pair => (-pair.Value, pair.Key));
        if (most < 2) return null;
        var (token, before) = (tokenizer.VocabSize + _learned.Count, Tokens);
        _learned[token] = [.. BytesOf(left), .. BytesOf(right)];
        for (var i = 0; i < _words.Count; i++)
        {
            var merged = Merge(_words[i].Tokens, left, right, token);
            Tokens -= _words[i].Count * (_words[i].Tokens.Length - merged.Length);
            _words[i] = (merged, _words[i].Count);
        }
        return new MissingMerge(TokenText.Of(BytesOf(left)), TokenText.Of(BytesOf(right)), TokenText.Of(_learned[token]), before - Tokens);
    }

    private static int[] Merge(int[] tokens, int left, int right, int result)
    {
        if (!tokens.Contains(left)) return tokens;
        var merged = new List<int>(tokens.Length);
        for (var i = 0; i < tokens.Length; i++)
        {
            if (i + 1 < tokens.Length && tokens[i] == left && tokens[i + 1] == right)
            {
                merged.Add(result);
                i++;
            }
            else merged.Add(tokens[i]);
        }
        return merged.Count == tokens.Length ? tokens : [.. merged];
    }

    private ReadOnlySpan<byte> BytesOf(int token) => _learned.TryGetValue(token, out var bytes) ? bytes : tokenizer.BytesOf(token);

    private static HashSet<int> Ends(BpeTokenizer tokenizer, int[] tokens)
    {
        var bytes = new List<byte>(tokens.Length * 4);
        foreach (var token in tokens) bytes.AddRange(tokenizer.BytesOf(token));
        var ends = new List<int>();
        tokenizer.Split.Split(CollectionsMarshal.AsSpan(bytes), ends);
        return [.. ends.Select(PreTokenizer.EndOf)];
    }

    private void Close(ReadOnlySpan<int> tokens, ref int start, int next)
    {
        start = next;
        if (tokens.IsEmpty)
            return;
        CollectionsMarshal.GetValueRefOrAddDefault(
            _pieces.GetAlternateLookup<ReadOnlySpan<char>>(),
            MemoryMarshal.Cast<int, char>(tokens),
            out _
        )++;
    }
}
