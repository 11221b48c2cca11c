using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Data.Deduplication;
using Dolmen.Data.Filters;
using Dolmen.Data.Privacy;
using Dolmen.Data.Sources;

namespace Dolmen.Data.Cleaning;

/// <param name="Model">A fastText model (lid.176.ftz); null takes the built-in identifier.</param>
/// <param name="Keep">Languages to keep; empty keeps all.</param>
/// <param name="MinScore">Least confidence; null takes each language's own.</param>
/// <param name="Mixed">Measures how much of a text is in other languages than its own; null leaves it out: it takes about a tenth of all
/// other work on a page.</param>
internal sealed record LanguageSettings(
    string? Model = null,
    IReadOnlyList<string>? Keep = null,
    double? MinScore = null,
    MixedSettings? Mixed = null
);

/// <param name="Max">Most characters in lines of other languages, as a fraction of those in lines long enough to tell; null keeps
/// all.</param>
internal sealed record MixedSettings(double? Max = null);

/// <param name="Model">A file that <c>corpus train-classifier</c> wrote; for perplexity also the folder of a language model.</param>
internal sealed record ScoreSettings(string Model, double? Min = null, double? Max = null);

/// <summary>Keeps one of several documents with the same text.</summary>
/// <param name="MinHash">How near-duplicates are found; null keeps them.</param>
/// <param name="Lines">Cuts lines that stand in several documents from all but the first, before anything is measured; null keeps
/// them.</param>
/// <param name="Paragraphs">Cuts paragraphs that stand in several documents from all but the first; null keeps them.</param>
/// <param name="ExactSubstrings">Cuts long passages that stand in several documents from all but the first, wherever they begin and end;
/// null keeps them.</param>
/// <param name="MinCharsLeft">A document of which something was cut is dropped if fewer characters are left.</param>
/// <param name="Index">A folder with the documents of earlier crawls, made when it is not there: what duplicates one of them is dropped,
/// and this crawl is added at the end.</param>
/// <param name="MaxCutFraction">A document is dropped if more than this share of its characters was cut; null keeps it.</param>
internal sealed record DedupSettings(
    MinHashSettings? MinHash = null,
    RepeatSettings? Lines = null,
    RepeatSettings? Paragraphs = null,
    PassageSettings? ExactSubstrings = null,
    double MinCharsLeft = 200,
    double? MaxCutFraction = null,
    string? Index = null
)
{
    /// <summary>The similarity from which on a pair counts as duplicates.</summary>
    [JsonIgnore]
    public double LeastJaccard => MinHash is { } minHash ? minHash.MinJaccard ?? 0 : double.PositiveInfinity;

    [JsonIgnore]
    public bool Cuts => (Lines ?? Paragraphs) is not null || ExactSubstrings is not null;
}

/// <param name="MinChars">Shorter pieces are left alone.</param>
/// <param name="MinDocuments">In fewer documents a piece is not a repetition.</param>
internal sealed record RepeatSettings(int MinChars = 30, int MinDocuments = 2);

/// <param name="MinWords">Shorter passages are left alone; case, punctuation and diacritics play no part.</param>
internal sealed record PassageSettings(int MinWords = 50);

/// <param name="Items">Files of evaluation items (JSON lines, CSV) that must not be in the corpus.</param>
/// <param name="NgramWords">An item is found by a run of so many of its words; a shorter item by all of them.</param>
/// <param name="MaxShare">Most of an item's n-grams a document may hold, as a fraction; 0 allows none.</param>
internal sealed record DecontaminationSettings(IReadOnlyList<string> Items, int NgramWords = 13, double MaxShare = 0);

/// <summary>How raw records become a corpus: what is read, measured, dropped and masked. A null part is left out.</summary>
/// <param name="KeepBefore">Keep, beside a text that lost lines, the text as it was extracted.</param>
/// <param name="ShardMegabytes">Smaller files are worked on together until they are this large; a larger file is a shard of its
/// own.</param>
internal sealed record CleaningRecipe(
    ReadLimits Read,
    LanguageSettings Language,
    FilterSettings Filters,
    UrlSettings? Url = null,
    ScoreSettings? Quality = null,
    ScoreSettings? Perplexity = null,
    DedupSettings? Dedup = null,
    DecontaminationSettings? Decontaminate = null,
    PersonalDataSettings? PersonalData = null,
    bool KeepBefore = true,
    int ShardMegabytes = 64
)
{
    /// <summary>The recipe for texts that their owner chose: nothing is judged, and only copies are dropped.</summary>
    public static CleaningRecipe Gentle { get; } = new(new(), new(), new(), Dedup: new());

    /// <summary>All that is wrong at once.</summary>
    public void ThrowIfInvalid()
    {
        var problems = new List<string>();
        if (Read.MaxRecordBytes is < 1024 or > 1L << 30)
            problems.Add($"read.maxRecordBytes is {Read.MaxRecordBytes}: it must lie between 1024 and {1L << 30}.");
        if (ShardMegabytes is < 1 or > 1 << 20)
            problems.Add($"shardMegabytes is {ShardMegabytes}: it must lie between 1 and {1 << 20}.");
        if (!(Read.MaxRatio >= 1))
            problems.Add($"read.maxRatio is {Read.MaxRatio}: it must be at least 1.");
        if (Language.MinScore is { } score && !(score is >= 0 and <= 1))
            problems.Add($"language.minScore is {score}: it must lie between 0 and 1.");
        if (Language.Mixed?.Max is { } mixed && !(mixed is >= 0 and <= 1))
            problems.Add($"language.mixed.max is {mixed}: it must lie between 0 and 1.");
        if (string.IsNullOrWhiteSpace(Read.TextField))
            problems.Add("read.textField is empty: name the field or column that holds the documents.");
        if (Decontaminate is { NgramWords: < 2 or > 100 })
            problems.Add($"decontaminate.ngramWords is {Decontaminate.NgramWords}: it must lie between 2 and 100. 13 is usual.");
        if (Decontaminate is { } limit && !(limit.MaxShare is >= 0 and <= 1))
            problems.Add($"decontaminate.maxShare is {limit.MaxShare}: it must lie between 0 and 1.");
        Repeats(problems);
        if (problems.Count > 0) throw new UserErrorException(string.Join(' ', problems));
        Dedup?.MinHash?.Check();
    }

    private void Repeats(List<string> problems)
    {
        foreach (var (name, settings) in new[] { ("lines", Dedup?.Lines), ("paragraphs", Dedup?.Paragraphs) })
        {
            if (settings is { MinChars: < 1 or > 100_000 })
                problems.Add($"dedup.{name}.minChars is {settings.MinChars}: it must lie between 1 and 100000.");
            if (settings is { MinDocuments: < 2 or > 10_000 })
                problems.Add($"dedup.{name}.minDocuments is {settings.MinDocuments}: it must lie between 2 and 10000.");
        }
        if (Dedup?.ExactSubstrings is { MinWords: < 10 or > 100_000 } passages)
            problems.Add($"dedup.exactSubstrings.minWords is {passages.MinWords}: it must lie between 10 and 100000. 50 is usual.");
        if (Dedup is { } dedup && !(dedup.MinCharsLeft >= 0))
            problems.Add($"dedup.minCharsLeft is {dedup.MinCharsLeft}: it must be 0 or more.");
        if (Dedup?.MaxCutFraction is { } most && !(most is >= 0 and <= 1))
            problems.Add($"dedup.maxCutFraction is {most}: it must lie between 0 and 1.");
    }

    /// <summary>What measuring needs besides the input; who asks about a finished corpus does without.</summary>
    public void ThrowIfMissing()
    {
        var problems = new List<string>();
        foreach (
            var (name, file) in new[]
            {
                ("language.model", Language.Model),
                ("quality.model", Quality?.Model),
                ("perplexity.model", Perplexity?.Model),
            }
        )
            if (file is not null && !File.Exists(file) && !(name == "perplexity.model" && Directory.Exists(file)))
                problems.Add($"{name} is {file}, which {Is(file)}: name a model file, or null.");
        foreach (var file in Decontaminate?.Items ?? [])
            if (!File.Exists(file))
                problems.Add($"decontaminate.items names {file}, which {Is(file)}: name files of evaluation items (.jsonl, .csv).");
        foreach (
            var (name, file) in new[]
            {
                ("domains", Url?.Domains),
                ("urls", Url?.Urls),
                ("bannedWords", Url?.BannedWords),
                ("softBannedWords", Url?.SoftBannedWords),
                ("bannedSubwords", Url?.BannedSubwords),
            }
        )
            if (file is not null && !File.Exists(file))
                problems.Add($"url.{name} is {file}, which {Is(file)}: name a list with one entry a line, or null.");
        if (Filters.BadWords is { } badWords && !Directory.Exists(badWords.Lists))
            problems.Add(
                $"filters.badWords.lists is {badWords.Lists}, which is not a folder: it should hold a word list for each language, named "
                    + $"by its code (en, ko.txt, de.json)."
            );
        if (problems.Count > 0)
            throw new UserErrorException(string.Join(' ', problems));

        static string Is(string path) => Directory.Exists(path) ? "is a folder" : "does not exist";
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(CleaningRecipe))]
internal sealed partial class CleaningRecipeJson : JsonSerializerContext;
