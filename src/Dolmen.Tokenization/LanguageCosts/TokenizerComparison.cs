using Dolmen.Artifacts;

namespace Dolmen.Tokenization.LanguageCosts;

/// <param name="Reference">Premiums are relative to it.</param>
/// <param name="Context">Tokens of a context window.</param>
/// <param name="Price">Of a million tokens.</param>
/// <param name="Missing">A language to say of what the vocabularies lack for it.</param>
/// <param name="Listed">How many words and merges then.</param>
internal sealed record ComparisonSettings(
    string Reference = "eng",
    int Context = 4096,
    double Price = 1.5,
    string? Missing = null,
    int Listed = 20
)
{
    /// <exception cref="UserErrorException">A figure is out of its range.</exception>
    public void Validate()
    {
        if (Context < 1)
            throw new UserErrorException($"--context is {Context}: a context window has 1 token or more. 4096 is usual.");
        if (!double.IsFinite(Price) || Price < 0)
            throw new UserErrorException($"--price is {Price}: the price of a million tokens is 0 or more. Try --price 1.5.");
        if (Listed is < 1 or > 1000)
            throw new UserErrorException($"--top is {Listed}: it must be 1 to 1000.");
    }
}

/// <summary>Measures what each language of a parallel text pays with each tokenizer.</summary>
internal static class TokenizerComparison
{
    /// <summary>The same whatever the number of threads.</summary>
    /// <param name="time">Measures a model on a sentence, for tokenizers that have one; null where it cannot be read by it.</param>
    public static Comparison Run(
        ParallelText text,
        IReadOnlyList<NamedTokenizer> tokenizers,
        ComparisonSettings settings,
        IProgress<StageProgress> progress,
        int? threads = null,
        Func<NamedTokenizer, int[], SentenceSeconds?>? time = null,
        CancellationToken stop = default
    )
    {
        settings.Validate();
        if (tokenizers.GroupBy(tokenizer => tokenizer.Name, StringComparer.Ordinal).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new UserErrorException($"--tokenizer names {twice.Key} {twice.Count()} times: name each once.");
        var languages = text.Languages;
        var reference =
            languages.FirstOrDefault(language => language.Code == settings.Reference)
            ?? languages.First(language => LanguageCodes.Matches(language.Code, settings.Reference));
        var pairs = languages
            .Select(language =>
                (IReadOnlyList<int>)[.. Enumerable.Range(0, language.Sentences.Count).Where(i => reference.Has(i) && language.Has(i))]
            )
            .ToArray();
        for (var i = 0; i < pairs.Length; i++)
            if (pairs[i].Count == 0)
                throw new UserErrorException(
                    $"{languages[i].Code} and {reference.Code} share no sentence: nothing can be compared. Leave the language out with "
                        + $"--languages, or name another --reference."
                );

        var sizes = new TextSizes[languages.Count];
        var counts = new TokenCounts[tokenizers.Count * languages.Count];
        var whole = tokenizers.Count * (double)pairs.Sum(pair => (long)pair.Count);
        long done = 0;
        Each(counts.Length, threads, i =>
        {
            var (tokenizer, language) = (i / languages.Count, i % languages.Count);
            if (tokenizer == 0) sizes[language] = TextSizes.Of(languages[language], pairs[language], text.Words);
            counts[i] = TokenCounts.Of(tokenizers[tokenizer].Tokenizer, languages[language], pairs[language], stop);
            progress.Report(new StageProgress("compare", Interlocked.Add(ref done, pairs[language].Count), whole, "sentences"));
        }, stop);

        var main = languages.ToList().IndexOf(reference);
        var all = new List<TokenizerCosts>();
        for (var t = 0; t < tokenizers.Count; t++)
        {
            var costs = new List<LanguageCost>();
            for (var l = 0; l < languages.Count; l++)
            {
                var cost = Cost(
                    languages[l],
                    pairs[l],
                    sizes[l],
                    counts[t * languages.Count + l],
                    pairs[main],
                    counts[t * languages.Count + main],
                    settings
                );
                if (time is not null)
                {
                    progress.Report(new StageProgress("time", l, languages.Count, "languages"));
                    stop.ThrowIfCancellationRequested();
                    cost = cost with
                    {
                        Measured = time(tokenizers[t], tokenizers[t].Tokenizer.Encode(languages[l].Sentences[cost.MedianSentence])),
                    };
                }
                costs.Add(cost);
            }
            var missing = settings.Missing is null
                ? null
                : MissingTokens.Of(tokenizers[t].Tokenizer, Wanted(languages, settings.Missing), text.Words, settings.Listed, stop);
            all.Add(
                new TokenizerCosts(
                    tokenizers[t].Name,
                    tokenizers[t].Tokenizer.VocabSize,
                    [.. costs.OrderByDescending(cost => cost.Premium).ThenBy(cost => cost.Language, StringComparer.Ordinal)],
                    missing
                )
            );
        }
        return new Comparison(text.Layout, reference.Code, settings.Context, settings.Price, all);
    }

    private static LanguageText Wanted(IReadOnlyList<LanguageText> languages, string code) =>
        languages.FirstOrDefault(language => language.Code == code)
        ?? languages.FirstOrDefault(language => LanguageCodes.Matches(language.Code, code))
        ?? throw new UserErrorException(
            $"--missing names {code}, which is not among the languages compared: "
                + $"{string.Join(", ", languages.Select(language => language.Code).Take(40))}."
        );

    private static LanguageCost Cost(
        LanguageText language,
        IReadOnlyList<int> sentences,
        TextSizes size,
        TokenCounts counts,
        IReadOnlyList<int> referenceSentences,
        TokenCounts reference,
        ComparisonSettings settings
    )
    {
        // Both lists ascend, and the reference has every sentence that the language has.
        long referenceTokens = 0;
        var ratios = 0.0;
        for (int i = 0, r = 0; i < sentences.Count; i++, r++)
        {
            while (referenceSentences[r] != sentences[i]) r++;
            referenceTokens += reference.PerSentence[r];
            ratios += Ratio(counts.PerSentence[i], reference.PerSentence[r]);
        }
        var order = Enumerable.Range(0, sentences.Count).OrderBy(i => counts.PerSentence[i]).ThenBy(i => i).ToArray();
        var sorted = Array.ConvertAll(order, i => counts.PerSentence[i]);
        var mean = Ratio(counts.Tokens, sentences.Count);
        return new LanguageCost(
            language.Code,
            language.Name,
            sentences.Count,
            counts.Tokens,
            mean,
            Quantile(sorted, 0.5),
            Quantile(sorted, 0.95),
            size.Bytes,
            size.Characters,
            size.Words,
            Ratio(counts.Tokens, size.Bytes),
            Ratio(size.Bytes, counts.Tokens),
            Ratio(counts.Tokens, size.Characters),
            Ratio(counts.Tokens, size.Words),
            Ratio(counts.Tokens, referenceTokens),
            ratios / sentences.Count,
            counts.Running,
            Ratio(counts.Running, reference.Running),
            counts.ByteShare,
            counts.FragmentShare,
            counts.UnknownShare,
            counts.SplitCharacters,
            counts.SplitGraphemes,
            Ratio(settings.Context, mean),
            mean * 1000 * settings.Price / 1e6,
            sentences[order[(order.Length - 1) / 2]]
        );
    }

    private static double Quantile(int[] sorted, double share)
    {
        var place = share * (sorted.Length - 1);
        var below = (int)place;
        return below + 1 == sorted.Length ? sorted[below] : sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]);
    }

    private static double Ratio(double part, double whole) => whole == 0 ? 0 : part / whole;

    private static void Each(int count, int? threads, Action<int> body, CancellationToken stop)
    {
        try
        {
            Parallel.For(
                0,
                count,
                new ParallelOptions { MaxDegreeOfParallelism = threads ?? Environment.ProcessorCount, CancellationToken = stop },
                body
            );
        }
        catch (AggregateException failures) when (failures.InnerException is { } first)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
        }
    }
}
