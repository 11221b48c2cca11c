using System.Globalization;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>
/// Learns a unigram vocabulary (Kudo 2018): many frequent substrings to begin with, their probabilities by expectation maximisation,
/// and again and again without the quarter whose loss makes the text least unlikely. Characters that make up nearly all of the text
/// stay; the others fall back to bytes. Counts are whole numbers, so that the result is the same for any number of threads and order.
/// </summary>
public static class UnigramTrainer
{
    /// <summary>The share of the text's characters that stay pieces.</summary>
    private const double CharacterCoverage = 0.9995;

    private const double KeptInRound = 0.75;
    private const double LeastExpected = 0.5;
    private const int RoundsOfExpectation = 2;

    /// <summary>Pieces to begin with, by the size of the vocabulary.</summary>
    private const int SeedsPerToken = 16, MostSeeds = 1_000_000;

    /// <summary>Characters of a part of a word, so that its probability does not vanish.</summary>
    private const int LongestPart = 32;

    private static readonly string[] ControlNames = ["<unk>", "<s>", "</s>"];

    /// <returns>A tokenizer of the recipe's size, or of fewer tokens where the text has too few substrings.</returns>
    public static (UnigramTokenizer Tokenizer, TrainedCorpus Corpus) Train(
        IEnumerable<TrainingText> documents, TokenizerRecipe recipe, IProgress<StageProgress> progress,
        CancellationToken stop, int? threads = null, long totalBytes = 0)
    {
        recipe.Validate();
        // Encoding puts a space before every text.
        var (words, corpus) = BpeTrainer.Count(
            documents.Select(text => text with { Text = ' ' + text.Text }), recipe, recipe.Split(), totalBytes, progress, threads, stop);
        var names = ControlNames.Concat(recipe.SpecialTokens ?? []).ToArray();
        var wanted = recipe.VocabSize - names.Length - 256;
        var parallel = new ParallelOptions
        {
            MaxDegreeOfParallelism = Math.Max(1, threads ?? Environment.ProcessorCount),
            CancellationToken = stop,
        };
        var model = new UnigramModel(Parts(words), Characters(words, wanted), parallel);
        progress.Report(new StageProgress("seeds", 0, 0, "pieces"));
        var seeds = SeedPieces.Find(words, Math.Min(MostSeeds, Math.Max(wanted * SeedsPerToken, 10_000)), parallel);
        model.Begin(seeds.Where(seed => seed.Piece.Length <= recipe.MaxTokenBytes));
        var least = words.IsWeighted ? LeastExpected * WordList.UnitWeight : LeastExpected;
        var all = model.Count;
        while (true)
        {
            for (var i = 0; i < RoundsOfExpectation; i++) model.Expect(least);
            progress.Report(new StageProgress("unigram", all - model.Count, Math.Max(all - wanted, 1), "pieces dropped"));
            if (model.Count <= wanted) break;
            model.Prune(Math.Max(wanted, (int)(model.Count * KeptInRound)));
        }
        var note = model.Count == wanted ? "" : $"the corpus has no more substrings: {model.Count} of {wanted} pieces";
        progress.Report(new StageProgress("unigram", 1, 1, "rounds", note));
        return (Build(names, model), corpus);
    }

    /// <summary>Words, long ones in parts, with how often they occur.</summary>
    private static WordList Parts(WordList words)
    {
        var parts = new WordList();
        for (var word = 0; word < words.Count; word++)
        {
            var bytes = words[word];
            var start = 0;
            for (var (at, characters) = (0, 0); at < bytes.Length; at++)
            {
                if ((bytes[at] & 0xC0) == 0x80 || characters++ < LongestPart) continue;
                parts.Add(bytes[start..at], 0, words.WeightOf(word));
                (start, characters) = (at, 1);
            }
            parts.Add(bytes[start..], 0, words.WeightOf(word));
        }
        return parts;
    }

    /// <summary>The most frequent characters that make up nearly all of the text, with their frequencies.</summary>
    private static List<(byte[] Piece, double Count)> Characters(WordList words, int most)
    {
        var counts = new Dictionary<int, long>();
        for (var word = 0; word < words.Count; word++)
        {
            var bytes = words[word];
            while (!bytes.IsEmpty)
            {
                Rune.DecodeFromUtf8(bytes, out var rune, out var width);
                counts[rune.Value] = counts.GetValueOrDefault(rune.Value) + words.WeightOf(word);
                bytes = bytes[width..];
            }
        }
        var (left, chosen) = (counts.Values.Sum() * CharacterCoverage, new List<(byte[], double)>());
        foreach (var (value, count) in counts.OrderByDescending(entry => entry.Value).ThenBy(entry => entry.Key))
        {
            if (left <= 0 || chosen.Count == most) break;
            chosen.Add((Encoding.UTF8.GetBytes(new Rune(value).ToString()), count));
            left -= count;
        }
        return chosen;
    }

    private static UnigramTokenizer Build(string[] names, UnigramModel model)
    {
        var learned = model.ByScore();
        string[] pieces =
        [
            .. names, .. Enumerable.Range(0, 256).Select(value => string.Create(CultureInfo.InvariantCulture, $"<0x{value:X2}>")),
            .. learned.Select(piece => Encoding.UTF8.GetString(piece.Piece).Replace(' ', SentencePieceTokenizer.Space)),
        ];
        float[] scores = [.. new float[names.Length + 256], .. learned.Select(piece => (float)piece.Score)];
        PieceKind[] kinds =
        [
            PieceKind.Unknown, .. Enumerable.Repeat(PieceKind.Control, names.Length - 1), .. Enumerable.Repeat(PieceKind.Byte, 256),
            .. Enumerable.Repeat(PieceKind.Normal, learned.Count),
        ];
        var vocabulary = new SentencePieceVocabulary(pieces, scores, kinds);
        return new UnigramTokenizer(
            pieces,
            [.. scores.Select(score => (double)score)],
            Enumerable.Range(0, names.Length + 256).ToHashSet(),
            vocabulary.Shared(),
            vocabulary.Rules()
        );
    }
}
