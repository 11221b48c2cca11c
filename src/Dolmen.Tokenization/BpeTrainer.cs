using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <param name="VocabSize">All bytes, the merges, and the special tokens, which come last.</param>
/// <param name="MinPairCount">A pair that occurs less often is not merged: a token nobody meets again is never learned.</param>
public sealed record TokenizerRecipe(int VocabSize = 4096, int MinPairCount = 2)
{
    public void Validate()
    {
        if (VocabSize < BpeTokenizer.SmallestVocabSize || VocabSize > BpeTokenizer.LargestVocabSize)
            throw new UserErrorException(
                $"tokenizer vocabSize is {VocabSize}: it must lie between {BpeTokenizer.SmallestVocabSize} (256 bytes and " +
                $"{SpecialTokens.Names.Count} special tokens) and {BpeTokenizer.LargestVocabSize}. 4096 suits small models.");
        if (MinPairCount < 1)
            throw new UserErrorException(
                $"tokenizer minPairCount is {MinPairCount}: it must be at least 1. 2 leaves out what occurs once.");
    }
}

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
        CancellationToken stop, int? threads = null)
    {
        recipe.Validate();
        var words = WordCounts.Of(documents, threads ?? Environment.ProcessorCount, progress, stop);
        if (words.Length == 0)
            throw new UserErrorException("The corpus is empty: a tokenizer is learned from text. Name an input that holds some.");
        return FromWords(words, recipe, progress, stop);
    }

    private static BpeTokenizer FromWords(
        KeyValuePair<byte[], long>[] words, TokenizerRecipe recipe, IProgress<StageProgress> progress, CancellationToken stop)
    {
        var wanted = recipe.VocabSize - BpeTokenizer.SmallestVocabSize;
        var learner = new MergeLearner(words);
        while (learner.Merges.Count < wanted && learner.Next(recipe.MinPairCount))
        {
            stop.ThrowIfCancellationRequested();
            if (learner.Merges.Count % 64 == 0) progress.Report(new StageProgress("merges", learner.Merges.Count, wanted, "merges"));
        }
        var found = learner.Merges.Count;
        var note = found == wanted ? "" : $"the corpus repeats no further pair {recipe.MinPairCount} times: {found} of {wanted} merges";
        progress.Report(new StageProgress("merges", found, found, "merges", note));

        var first = learner.Tokens.Count;
        byte[][] bytes = [.. learner.Tokens, .. SpecialTokens.Names.Select(System.Text.Encoding.UTF8.GetBytes)];
        var special = new SpecialTokens(first, first + 1, first + 2, first + 3, first + 4, first + 5, first + 6);
        return new BpeTokenizer(bytes, [.. learner.Merges], special);
    }
}
