using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>
/// Learns a vocabulary. The same text gives the same vocabulary whatever the number of threads and the order of documents: the most
/// frequent pair is merged first, of equally frequent ones that with the smaller ids.
/// </summary>
public static class BpeTrainer
{
    /// <returns>A tokenizer of <see cref="TokenizerRecipe.VocabSize"/> ids, or of fewer where the corpus holds too few repeated pairs;
    /// the last progress report says so.</returns>
    public static BpeTokenizer Train(
        IEnumerable<string> documents, TokenizerRecipe recipe, IProgress<StageProgress> progress,
        CancellationToken stop, int? threads = null) =>
        Train(documents.Select(text => new TrainingText(text)), recipe, progress, stop, threads).Tokenizer;

    /// <param name="documents">Read once, by one thread at a time; languages matter where the recipe balances them.</param>
    /// <param name="recipe">What to make.</param>
    /// <param name="progress">Hears of words and merges.</param>
    /// <param name="stop">Ends it early.</param>
    /// <param name="threads">All cores when left out.</param>
    /// <param name="totalBytes">How much text there is, where known.</param>
    public static TrainedBpe Train(
        IEnumerable<TrainingText> documents, TokenizerRecipe recipe, IProgress<StageProgress> progress,
        CancellationToken stop, int? threads = null, long totalBytes = 0)
    {
        recipe.Validate();
        var split = recipe.Split();
        var (words, corpus) = Count(documents, recipe, split, totalBytes, progress, threads, stop);
        var bytes = ByteAlphabet.Order.Select(value => new[] { value }).ToArray();
        var idOfByte = new int[256];
        for (var id = 0; id < 256; id++) idOfByte[bytes[id][0]] = id;
        var names = SpecialTokens.Names.Union(recipe.SpecialTokens ?? []).ToArray();
        var learner = new MergeLearner(words, bytes, (word, tokens) =>
        {
            for (var i = 0; i < word.Length; i++) tokens[i] = idOfByte[word[i]];
            return word.Length;
        }, recipe.TiesByBytes, recipe.MinPairCount, recipe.MaxTokenBytes);
        Learn(learner, recipe.VocabSize - names.Length, recipe, words, progress, stop);

        var first = learner.Tokens.Count;
        var special = new SpecialTokens(first, first + 1, first + 2, first + 3, first + 4, first + 5, first + 6);
        var vocabulary = new Vocabulary(
            [.. learner.Tokens, .. names.Select(Encoding.UTF8.GetBytes)],
            [.. names.Select((name, i) => new AddedToken(name, first + i, Special: true))], special, Before: [special.Bos]);
        return new TrainedBpe(new BpeTokenizer(vocabulary, [.. learner.Merges], new BpeRules(split)), corpus);
    }

    /// <summary>Goes on from a vocabulary with text it knows little of: its tokens keep their ids, new ones follow.</summary>
    /// <param name="known">What to go on from; its pre-tokenizer and special tokens stay.</param>
    /// <param name="documents">As in training.</param>
    /// <param name="recipe">The size is that of the old and new tokens together.</param>
    /// <param name="progress">Hears of words and merges.</param>
    /// <param name="stop">Ends it early.</param>
    /// <param name="threads">All cores when left out.</param>
    /// <param name="totalBytes">How much text there is, where known.</param>
    public static TrainedBpe Extend(
        BpeTokenizer known, IEnumerable<TrainingText> documents, TokenizerRecipe recipe, IProgress<StageProgress> progress,
        CancellationToken stop, int? threads = null, long totalBytes = 0)
    {
        recipe.Validate();
        var names = recipe.SpecialTokens ?? [];
        if (recipe.VocabSize <= known.VocabSize + names.Count)
            throw new UserErrorException(
                $"tokenizer vocabSize is {recipe.VocabSize}: the vocabulary to extend has {known.VocabSize} tokens already, and "
                    + $"{names.Count} special ones are asked for. Ask for more."
            );
        if (names.FirstOrDefault(name => known.Added.Any(token => token.Content == name)) is { } twice)
            throw new UserErrorException(
                $"tokenizer specialTokens names '{twice}': the vocabulary to extend has it already. Leave it out."
            );
        var (words, corpus) = Count(documents, recipe, known.Split, totalBytes, progress, threads, stop);
        var added = known.Added.Select(token => token.Id).ToHashSet();
        var bytes = Enumerable.Range(0, known.VocabSize).Select(id => added.Contains(id) ? [] : known.BytesOf(id).ToArray()).ToArray();
        var (cache, found) = (new WordCache(), new List<int>());
        var learner = new MergeLearner(words, bytes, (word, tokens) =>
        {
            found.Clear();
            known.EncodePiece(word, cache, found);
            found.CopyTo(tokens);
            return found.Count;
        }, recipe.TiesByBytes, recipe.MinPairCount, recipe.MaxTokenBytes);
        Learn(learner, recipe.VocabSize - names.Count, recipe, words, progress, stop);

        for (var id = 0; id < known.VocabSize; id++) bytes[id] = known.BytesOf(id).ToArray();
        var first = learner.Tokens.Count;
        var vocabulary = new Vocabulary(
            [.. bytes, .. learner.Tokens.Skip(bytes.Length), .. names.Select(Encoding.UTF8.GetBytes)],
            [.. known.Added, .. names.Select((name, i) => new AddedToken(name, first + i, Special: true))],
            known.Special, known.Normalizer, known.Before, known.After);
        return new TrainedBpe(new BpeTokenizer(vocabulary, [.. known.Merges, .. learner.Merges], known.Rules), corpus);
    }

    /// <summary>The words of a text, weighed where the recipe balances languages.</summary>
    internal static (WordList Words, TrainedCorpus Corpus) Count(
        IEnumerable<TrainingText> documents, TokenizerRecipe recipe, PreTokenizer split, long totalBytes, IProgress<StageProgress> progress,
        int? threads, CancellationToken stop)
    {
        using var counts = new WordCounts(
            split,
            recipe.SpecialTokens ?? [],
            (long)recipe.MemoryMegabytes << 20,
            threads ?? Environment.ProcessorCount
        );
        counts.Count(
            recipe.Balance is null ? documents.Select(text => text with { Language = "" }) : documents,
            totalBytes,
            progress,
            stop
        );
        var words = counts.ToList();
        if (words.Count == 0 && words.Dropped.Words > 0)
            throw new UserErrorException(
                $"tokenizer memoryMegabytes is {recipe.MemoryMegabytes}: {words.Dropped.Words} words of {counts.Bytes} bytes of text, none "
                    + $"more frequent than others, do not fit. Raise it."
            );
        if (words.Count == 0)
            throw new UserErrorException("The corpus is empty: a tokenizer is learned from text. Name an input that holds some.");
        var languages = counts.Languages.Zip(counts.LanguageBytes, (name, size) => new TrainedLanguage(name, size, 1)).ToArray();
        if (recipe.Balance is { } exponent)
        {
            var weights = words.Balance(counts.LanguageBytes, exponent);
            languages = [.. languages.Select((language, i) => language with { Weight = weights[i] })];
        }
        return (words, new TrainedCorpus(counts.Bytes, words.Count, words.Dropped.Words, languages));
    }

    /// <summary>Learns merges until there are as many tokens as wanted.</summary>
    private static void Learn(
        MergeLearner learner,
        int wantedTokens,
        TokenizerRecipe recipe,
        WordList words,
        IProgress<StageProgress> progress,
        CancellationToken stop
    )
    {
        var before = learner.Tokens.Count;
        var wanted = wantedTokens - before;
        while (learner.Tokens.Count < wantedTokens && learner.Next())
        {
            stop.ThrowIfCancellationRequested();
            if (learner.Merges.Count % 64 == 0)
                progress.Report(new StageProgress("merges", learner.Tokens.Count - before, wanted, "merges"));
        }
        var found = learner.Tokens.Count - before;
        var dropped =
            words.Dropped.Words == 0
                ? ""
                : $"{words.Dropped.Words} words that occur less than {words.Dropped.Below} times did not fit in memory";
        var note =
            found == wanted ? dropped : $"the corpus repeats no further pair {recipe.MinPairCount} times: {found} of {wanted} merges";
        progress.Report(new StageProgress("merges", found, found, "merges", note));
    }
}

/// <param name="Tokenizer">What was learned.</param>
/// <param name="Corpus">From what.</param>
public sealed record TrainedBpe(BpeTokenizer Tokenizer, TrainedCorpus Corpus);

/// <param name="Bytes">Of text.</param>
/// <param name="Words">Distinct ones learned from.</param>
/// <param name="DroppedWords">Rare ones that did not fit in memory.</param>
/// <param name="Languages">One without a name where they were not told apart.</param>
public sealed record TrainedCorpus(long Bytes, int Words, long DroppedWords, IReadOnlyList<TrainedLanguage> Languages);

/// <param name="Name">As the input calls it.</param>
/// <param name="Bytes">Of its text.</param>
/// <param name="Weight">Of one occurrence; the least raised language has 1.</param>
public sealed record TrainedLanguage(string Name, long Bytes, double Weight);
