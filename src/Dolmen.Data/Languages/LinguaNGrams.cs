using System.Globalization;
using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Data.Languages;

/// <summary>The n-gram frequencies that come with Lingua: for each length up to three, how often a letter follows those before it within a
/// word.</summary>
internal sealed class LinguaNGrams
{
    private static readonly string[] Names = ["unigrams", "bigrams", "trigrams"];
    private readonly Dictionary<ulong, float>[] _probabilities;

    /// <param name="script">N-grams with letters of other scripts are left out: foreign words are in every language's texts.</param>
    public LinguaNGrams(string language, Script script)
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "Lingua", "LanguageModels", language);
        try
        {
            _probabilities = [.. Names.Select(name => Read(Path.Combine(folder, name + ".json.br"), script))];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException or JsonException)
        {
            throw new UserErrorException(
                $"{folder} holds no language models that can be read: {error.Message} Restore the folder Lingua/LanguageModels that "
                    + $"belongs beside the program, or give a fastText model such as lid.176.ftz.",
                error
            );
        }
        Trigrams = WithFrequencies();
    }

    /// <summary>Trigrams with their shares of all trigrams of the language; the beginning of a word counts like its middle.</summary>
    public (ulong Letters, float Frequency)[] Trigrams { get; }

    /// <summary>Probability of a letter after the ones before it; 0 where the language's texts do not have it there.</summary>
    /// <param name="letters">As <see cref="Key"/> packs them.</param>
    /// <param name="length">How many letters, 1 to 3.</param>
    public float Probability(ulong letters, int length) => _probabilities[length - 1].GetValueOrDefault(letters);

    /// <summary>The last three letters in the lower 48 bits, the newest lowest.</summary>
    public static ulong Key(ulong before, char letter) => ((before << 16) | letter) & 0xFFFF_FFFF_FFFF;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private (ulong Letters, float Frequency)[] WithFrequencies()
    {
        var all = new (ulong, float)[_probabilities[2].Count];
        var count = 0;
        foreach (var (letters, probability) in _probabilities[2])
            if (letters >> 32 != 0) all[count++] = (letters, Probability(letters >> 32, 1) * Probability(letters >> 16, 2) * probability);
        return all[..count];
    }

    private static Dictionary<ulong, float> Read(string path, Script script)
    {
        using var file = new BrotliStream(RegularFile.OpenRead(path), CompressionMode.Decompress);
        using var json = JsonDocument.Parse(file);
        var probabilities = new Dictionary<ulong, float>(1 << 12);
        foreach (var group in json.RootElement.GetProperty("ngrams").EnumerateObject())
        {
            // "3/8": all n-grams that make up three eighths of those with the same beginning.
            var bar = group.Name.IndexOf('/', StringComparison.Ordinal);
            var probability = (float)(
                double.Parse(group.Name.AsSpan(0, bar), CultureInfo.InvariantCulture)
                / double.Parse(group.Name.AsSpan(bar + 1), CultureInfo.InvariantCulture)
            );
            Add(group.Value.GetString(), probability, script, probabilities);
        }
        return probabilities;
    }

    // Run once over a million n-grams: it must not begin as unoptimised code.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add(ReadOnlySpan<char> ngrams, float probability, Script script, Dictionary<ulong, float> probabilities)
    {
        var (key, own) = (0UL, true);
        foreach (var letter in ngrams)
        {
            if (letter != ' ')
            {
                key = Key(key, letter);
                own &= Scripts.Of(letter) == script;
                continue;
            }
            if (own) probabilities[key] = probability;
            (key, own) = (0, true);
        }
        if (own) probabilities[key] = probability;
    }
}
