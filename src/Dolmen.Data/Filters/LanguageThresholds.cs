using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dolmen.Data.Filters;

/// <summary>What one language asks of the filters, from <c>languages.jsonc</c>; null leaves a family's default.</summary>
/// <param name="Source">Commit of FineWeb-2's configuration that the figures are from.</param>
/// <param name="LanguageScore">Least confidence of the language identification.</param>
/// <param name="TopNGrams">Most characters in the most frequent 2-, 3- and 4-gram, as fractions of the text.</param>
/// <param name="DuplicateNGrams">Most characters in repeated 5- to 10-grams, as fractions of the text.</param>
/// <param name="StopWords">With a space between them.</param>
internal sealed record LanguageThresholds(
    string? Source = null, double? LanguageScore = null, double? MinMeanWordLength = null, double? MaxMeanWordLength = null,
    double? MinAlphabeticFraction = null, double? MinLinePunctuation = null, double? MaxNewlineRatio = null,
    double? MaxDuplicateLineFraction = null, double[]? TopNGrams = null, double[]? DuplicateNGrams = null, string StopWords = "")
{
    private static readonly FrozenDictionary<string, LanguageThresholds> All = Load();
    private static readonly LanguageThresholds Other = All["*"];
    private readonly Lazy<FunctionWords> _functionWords = new(() => new(StopWords.Split(' ', StringSplitOptions.RemoveEmptyEntries)));

    /// <summary>ISO code, <c>*</c> for the set of languages not listed.</summary>
    [JsonIgnore]
    public string Language { get; private init; } = "*";

    [JsonIgnore]
    public FunctionWords FunctionWords => _functionWords.Value;

    /// <summary>FineWeb-2 drops FineWeb's rules on short lines and paragraphs and allows ten times the duplicate line characters,
    /// in all languages but English.</summary>
    [JsonIgnore]
    public bool IsMultilingual => Language != "en";

    [JsonIgnore]
    public bool Elides => Language is "fr" or "it" or "ca";

    [JsonIgnore]
    public bool PartsParticles => Language == "ko";

    /// <summary>Whether spaces part its words.</summary>
    [JsonIgnore]
    public bool WritesSpaces => Language is not ("zh" or "ja" or "th" or "lo" or "km" or "my");

    public static IEnumerable<string> Languages => All.Keys.Where(language => language != "*").Order(StringComparer.Ordinal);

    /// <param name="language">ISO code; Bokmål's own (nb) is Norwegian's.</param>
    public static LanguageThresholds For(string language) => All.GetValueOrDefault(language == "nb" ? "no" : language, Other);

    private static FrozenDictionary<string, LanguageThresholds> Load()
    {
        using var stream = typeof(LanguageThresholds).Assembly.GetManifestResourceStream("languages.jsonc")
            ?? throw new InvalidOperationException("languages.jsonc is not embedded.");
        return JsonSerializer.Deserialize(stream, LanguageThresholdsJson.Default.DictionaryStringLanguageThresholds)!
            .ToFrozenDictionary(pair => pair.Key, pair => pair.Value with { Language = pair.Key }, StringComparer.Ordinal);
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, ReadCommentHandling = JsonCommentHandling.Skip,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(Dictionary<string, LanguageThresholds>))]
internal sealed partial class LanguageThresholdsJson : JsonSerializerContext;
