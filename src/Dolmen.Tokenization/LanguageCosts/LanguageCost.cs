using System.Text.Json.Serialization;

namespace Dolmen.Tokenization.LanguageCosts;

/// <summary>A tokenizer as the user named it.</summary>
internal sealed record NamedTokenizer(string Name, Tokenizer Tokenizer);

/// <summary>What one language pays with one tokenizer. Only sentences that the reference has too are counted; each is encoded alone,
/// without tokens that open or close a text.</summary>
/// <param name="Sentences">Compared.</param>
/// <param name="P95Tokens">Between two sentences by linear interpolation, as the median.</param>
/// <param name="Characters">Unicode code points.</param>
/// <param name="Words">Without punctuation; in scripts that write no spaces by the rule the corpus filters have.</param>
/// <param name="Premium">All tokens divided by those of the reference's same sentences (Petrov et al. 2023).</param>
/// <param name="MeanPremium">The same for each sentence, averaged.</param>
/// <param name="RunningTokens">Of the whole text encoded at once: files one after another, line breaks as spaces.</param>
/// <param name="ByteTokens">Share of tokens that are one byte of a longer character.</param>
/// <param name="FragmentTokens">Share of tokens that are not whole characters, those of one byte included.</param>
/// <param name="SplitCharacters">Share of code points that lie in more than one token.</param>
/// <param name="SplitGraphemes">Share of what readers take for a character (a letter with its marks) that lies in more than one
/// token.</param>
/// <param name="SentencesInContext">Mean sentences that a context window holds.</param>
/// <param name="PricePer1000">Of so many sentences, in the currency of the price per million tokens.</param>
/// <param name="MedianSentence">Index of the sentence with the median number of tokens, the shorter of two.</param>
internal sealed record LanguageCost(
    string Language,
    string Name,
    int Sentences,
    long Tokens,
    double MeanTokens,
    double MedianTokens,
    double P95Tokens,
    long Bytes,
    long Characters,
    long Words,
    double TokensPerByte,
    double BytesPerToken,
    double TokensPerCharacter,
    double TokensPerWord,
    double Premium,
    double MeanPremium,
    long RunningTokens,
    double RunningPremium,
    double ByteTokens,
    double FragmentTokens,
    double UnknownTokens,
    double SplitCharacters,
    double SplitGraphemes,
    double SentencesInContext,
    double PricePer1000,
    int MedianSentence,
    SentenceSeconds? Measured = null
);

/// <summary>Measured on one sentence: reading it at once, and writing it token by token.</summary>
internal sealed record SentenceSeconds(int Tokens, double Prefill, double Decode);

/// <param name="Languages">The most expensive first.</param>
/// <param name="Missing">What the vocabulary lacks for one language, where that was asked.</param>
internal sealed record TokenizerCosts(string Name, int VocabSize, IReadOnlyList<LanguageCost> Languages, MissingTokens? Missing = null);

/// <param name="Layout">How the input was read.</param>
/// <param name="Reference">The language that premiums are relative to.</param>
/// <param name="Context">Tokens of the context window.</param>
/// <param name="Price">Of a million tokens.</param>
internal sealed record Comparison(string Layout, string Reference, int Context, double Price, IReadOnlyList<TokenizerCosts> Tokenizers);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(Comparison))]
internal sealed partial class ComparisonJson : JsonSerializerContext;
