using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Data.Cleaning;
using Dolmen.Data.Deduplication;
using Dolmen.Tables;

namespace Dolmen.Data.Reports;

/// <summary>The files of a finished corpus, by what they are.</summary>
internal sealed class BuiltCorpus
{
    private const long MostReportBytes = 64 << 20;

    /// <summary>Bytes of UTF-8 that are taken for a token where nothing was tokenized.</summary>
    public const double BytesPerToken = 4;

    private BuiltCorpus(string directory, CleaningReport report, string recipe, IReadOnlyList<string> shards) =>
        (Directory, Report, RecipeText, Shards) = (directory, report, recipe, shards);

    public string Directory { get; }

    public CleaningReport Report { get; }

    public string RecipeText { get; }

    /// <summary>File names, the same in each of the three folders, in the order of the documents' ordinals.</summary>
    public IReadOnlyList<string> Shards { get; }

    public static bool IsAt(string directory) => File.Exists(Path.Combine(directory, CleaningReport.FileName));

    /// <exception cref="UserErrorException">There is no finished corpus of this kind.</exception>
    public static BuiltCorpus Open(string directory)
    {
        if (!System.IO.Directory.Exists(directory))
            throw new UserErrorException($"there is no folder {directory}: name the --out of a 'dolmen corpus build'.");
        if (!IsAt(directory))
            throw new UserErrorException(
                $"{directory} is not a finished corpus with measurements: it has no {CleaningReport.FileName}. Build it again with 'dolmen "
                    + $"corpus build --out DIR'."
            );
        var report = Read(
            Path.Combine(directory, CleaningReport.FileName),
            text => JsonSerializer.Deserialize(text, CleaningJson.Default.CleaningReport)
        );
        var recipe = Read(Path.Combine(directory, CleaningRecipeFile.Resolved), text => text);
        var folder = Path.Combine(directory, CorpusFolder.Measurements);
        if (!System.IO.Directory.Exists(folder))
            throw new UserErrorException($"{directory} has no {CorpusFolder.Measurements} folder: restore it, or build the corpus again.");
        var shards = System
            .IO.Directory.GetFiles(folder, "*.parquet")
            .Select(file => Path.GetFileName(file))
            .Order(StringComparer.Ordinal)
            .ToList();
        return new BuiltCorpus(directory, report, recipe, shards);
    }

    public CleaningRecipe Recipe(IReadOnlyList<string> set) => CleaningRecipeFile.Load(RecipeText, CleaningRecipeFile.Resolved, set);

    public string PathOf(string folder, string shard) => Path.Combine(Directory, folder, shard);

    /// <summary>Whether each document of earlier crawls counted, 1 or 0; none without an index.</summary>
    public byte[] Earlier() =>
        Path.Combine(Directory, "duplicates", CleanCorpus.EarlierFile) is var file && File.Exists(file)
            ? RegularFile.ReadAllBytes(file)
            : [];

    /// <summary>What deduplication found; its files are checked for the number of documents, those of earlier crawls included.</summary>
    public DuplicatePairs Pairs(long documents)
    {
        var pairs = new DuplicatePairs(Path.Combine(Directory, "duplicates"), documents, 0, 0, 0);
        // Items of 16 and 24 bytes, as many as there are; of the others one for each document.
        foreach (
            var (file, item, count) in new[]
            {
                (pairs.ExactFile, 16, -1L),
                (pairs.NearFile, 24, -1L),
                (pairs.RankFile, 4, documents),
                (pairs.KeyFile, 16, documents),
            }
        )
            if (
                new FileInfo(file) is not { Exists: true, Length: var length }
                || length % item != 0
                || (count >= 0 && length != item * count)
            )
                throw new UserErrorException(
                    $"{file} is missing or is not that of {documents} documents: duplicates cannot be told. Restore it, or build the "
                        + $"corpus again."
                );
        return pairs;
    }

    public static long Tokens(long bytes) => (long)(bytes / BytesPerToken);

    /// <summary>Row groups of measurements in order, with the ordinal of their first document.</summary>
    public IReadOnlyList<RowGroup> Groups()
    {
        var groups = new List<RowGroup>();
        long first = 0;
        for (var shard = 0; shard < Shards.Count; shard++)
        {
            using var table = ParquetTable.Open(PathOf(CorpusFolder.Measurements, Shards[shard]));
            foreach (var column in (string[])["id", "language", "reason", "text_bytes"])
                if (table.Find(column) is null) throw Lacks(table, column);
            for (var group = 0; group < table.Groups; group++)
            {
                var rows = table.Rows(group);
                groups.Add(new RowGroup(shard, group, first, rows));
                first += rows;
            }
        }
        return groups;
    }

    public static UserErrorException Lacks(ParquetTable table, string column) =>
        new(
            $"{table.Path} has no column {column}: it is not a file of measurements of this recipe. Restore it, or build the corpus again."
        );

    private static T Read<T>(string path, Func<string, T?> parse)
        where T : class
    {
        try
        {
            if (new FileInfo(path) is not { Exists: true } file)
                throw new UserErrorException($"{path} is missing: restore it, or build the corpus again.");
            if (file.Length > MostReportBytes)
                throw new UserErrorException(
                    $"{path} has {file.Length} bytes, which is not a file of a corpus: restore it, or build the corpus again."
                );
            return parse(RegularFile.ReadAllText(path)) ?? throw new JsonException("It is null.");
        }
        catch (Exception error) when (error is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path} cannot be read: {error.Message} Restore it, or build the corpus again.", error);
        }
    }
}

/// <param name="First">Ordinal of its first document.</param>
internal readonly record struct RowGroup(int Shard, int Group, long First, int Rows);
