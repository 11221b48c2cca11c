using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <param name="VocabSize">All bytes, the merges, and the special tokens, which come last.</param>
/// <param name="MinPairCount">A pair that occurs less often is not merged: a token nobody meets again is never learned.</param>
/// <param name="PreTokenizer">Cuts text into the pieces within which merges happen: a name such as o200k, cl100k or gpt2, or a regular
/// expression.</param>
/// <param name="Digits">The most digits of a piece, instead of the pre-tokenizer's own.</param>
/// <param name="MaxTokenBytes">A longer token is not made.</param>
/// <param name="TiesByBytes">Of equally frequent pairs that whose tokens' bytes come last is merged first, as in Stanford's CS336, not
/// that with the smaller ids, as in Hugging Face's trainer.</param>
/// <param name="SpecialTokens">Names of special tokens beside Dolmen's own. Documents are cut where a name stands.</param>
/// <param name="Balance">Languages count as if each had this power of its share of the text: 1 as they are, 0 all the same. Left out,
/// languages are not told apart.</param>
/// <param name="MemoryMegabytes">Words that memory cannot hold go to disk while counting; of those that do not fit while learning the
/// rarest are left out.</param>
public sealed record TokenizerRecipe(
    int VocabSize = 4096,
    int MinPairCount = 2,
    string PreTokenizer = "o200k",
    int? Digits = null,
    int MaxTokenBytes = 1024,
    bool TiesByBytes = false,
    IReadOnlyList<string>? SpecialTokens = null,
    double? Balance = null,
    int MemoryMegabytes = 2048
)
{
    /// <summary>More names than any vocabulary in use reserves.</summary>
    private const int MostSpecialTokens = 10_000;

    public void Validate()
    {
        // The end token may be named: documents are cut where it stands, and it is there already.
        string[] names = [.. (SpecialTokens ?? []).Where(name => name != Tokenization.SpecialTokens.EndOfText)];
        var smallest = BpeTokenizer.SmallestVocabSize + names.Length;
        if (VocabSize < smallest || VocabSize > BpeTokenizer.LargestVocabSize)
            throw new UserErrorException(
                $"tokenizer vocabSize is {VocabSize}: it must lie between {smallest} (256 bytes and " +
                $"{smallest - 256} special tokens) and {BpeTokenizer.LargestVocabSize}. 4096 suits small models.");
        if (MinPairCount < 1)
            throw new UserErrorException(
                $"tokenizer minPairCount is {MinPairCount}: it must be at least 1. 2 leaves out what occurs once.");
        if (MaxTokenBytes is < 1 or > 1 << 15)
            throw new UserErrorException($"tokenizer maxTokenBytes is {MaxTokenBytes}: it must lie between 1 and {1 << 15}. 1024 suits.");
        if (Balance is < 0 or > 1 or double.NaN)
            throw new UserErrorException(
                $"tokenizer balance is {Balance}: it must lie between 0 (all languages alike) and 1 (as they are). Try 0.3."
            );
        if (MemoryMegabytes is < 16 or > 1 << 20)
            throw new UserErrorException(
                $"tokenizer memoryMegabytes is {MemoryMegabytes}: it must lie between 16 and {1 << 20}. 2048 suits."
            );
        if (names.Length > MostSpecialTokens)
            throw new UserErrorException($"tokenizer specialTokens has {names.Length} names: at most {MostSpecialTokens} are read.");
        var seen = new HashSet<string>(Tokenization.SpecialTokens.Names, StringComparer.Ordinal);
        foreach (var name in names)
            if (name.Length is 0 or > 256 || !seen.Add(name))
                throw new UserErrorException(
                    $"tokenizer specialTokens names '{name}': a name has 1 to 256 characters and comes once; "
                        + $"{string.Join(' ', Tokenization.SpecialTokens.Names)} are there already."
                );
        _ = Split();
    }

    /// <summary>The pre-tokenizer these settings mean.</summary>
    public PreTokenizer Split() => Tokenization.PreTokenizer.Parse(PreTokenizer, Digits);
}
