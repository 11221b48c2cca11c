using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dolmen.Data.Reports;

/// <param name="Speakers">Millions, first and second language together.</param>
/// <param name="Web">Percent of the pages of a Common Crawl; null where it is not known.</param>
internal sealed record WorldLanguage(string Name, double Speakers, double? Web);

/// <summary>What a corpus's languages are compared with, from <c>world-languages.jsonc</c>, which names its sources.</summary>
internal static class WorldLanguages
{
    public const string Source =
        "Speakers: Unicode CLDR 48.2 (2025), territory information, people who use a language as first or second one, summed over "
            + "territories (people who use several are counted several times). "
        + "Web: Common Crawl's published share of pages in CC-MAIN-2026-04.";

    /// <summary>The languages by ISO code.</summary>
    public static IReadOnlyDictionary<string, WorldLanguage> All { get; } = Load();

    /// <summary>Millions, over all that are listed.</summary>
    public static double Speakers { get; } = All.Values.Sum(language => language.Speakers);

    /// <summary>The listed language that a code counts as.</summary>
    public static string Listed(string code) => code switch
    {
        "nb" or "nn" => "no",
        "fil" => "tl",
        "cmn" => "zh",
        _ => code,
    };

    private static Dictionary<string, WorldLanguage> Load()
    {
        using var stream =
            typeof(WorldLanguages).Assembly.GetManifestResourceStream("world-languages.jsonc")
            ?? throw new InvalidOperationException("world-languages.jsonc is not embedded.");
        return JsonSerializer.Deserialize(stream, WorldLanguagesJson.Default.DictionaryStringWorldLanguage)
            ?? throw new InvalidOperationException("world-languages.jsonc holds nothing.");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, ReadCommentHandling = JsonCommentHandling.Skip)]
[JsonSerializable(typeof(Dictionary<string, WorldLanguage>))]
internal sealed partial class WorldLanguagesJson : JsonSerializerContext;
