using Parquet;
using Parquet.Schema;

namespace Dolmen.Data;

/// <summary>The training documents in the columns of FineWeb (Penedo et al. 2024), zstd, streamed by row groups.</summary>
internal static class CorpusParquet
{
    public const string FileName = "documents.parquet";

    private const int RowGroupDocuments = 2000;

    private static readonly DataField<string> Text = new("text"), Id = new("id"), Dump = new("dump"), Url = new("url"), Date = new("date"),
        FilePath = new("file_path"), Language = new("language");
    private static readonly DataField<double> LanguageScore = new("language_score");
    private static readonly DataField<long?> TokenCount = new("token_count");
    private static readonly ParquetSchema Schema = new(Text, Id, Dump, Url, Date, FilePath, Language, LanguageScore, TokenCount);

    public static void Write(Stream output, IEnumerable<Document> documents, CancellationToken stop) => WriteAsync(output, documents, stop).GetAwaiter().GetResult();

    /// <summary>The texts in file order, one row group in memory at a time.</summary>
    public static IEnumerable<string> ReadTexts(string path)
    {
        using var stream = File.OpenRead(path);
        var reader = ParquetReader.CreateAsync(stream).GetAwaiter().GetResult();
        try
        {
            var field = reader.Schema.DataFields.Single(f => f.Name == "text");
            for (var group = 0; group < reader.RowGroupCount; group++)
            {
                using var rows = reader.OpenRowGroupReader(group);
                var texts = new string?[rows.RowCount];
                rows.ReadAsync(field, texts.AsMemory()).AsTask().GetAwaiter().GetResult();
                foreach (var text in texts) yield return text ?? "";
            }
        }
        finally
        {
            reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private static async Task WriteAsync(Stream output, IEnumerable<Document> documents, CancellationToken stop)
    {
        var options = new ParquetOptions { CompressionMethod = CompressionMethod.Zstd, CompressionLevel = System.IO.Compression.CompressionLevel.Optimal };
        await using var writer = await ParquetWriter.CreateAsync(Schema, output, options, cancellationToken: stop);
        foreach (var rows in documents.Chunk(RowGroupDocuments))
        {
            using var group = writer.CreateRowGroup();
            await Strings(Text, d => d.Text);
            await Strings(Id, d => d.Id);
            await Strings(Dump, d => d.Dump);
            await Strings(Url, _ => "");
            await Strings(Date, _ => "");
            await Strings(FilePath, d => d.FilePath);
            await Strings(Language, d => d.Language);
            await group.WriteAsync<double>(LanguageScore, rows.Select(d => d.Language == "en" ? 1.0 : 0.0).ToArray(), cancellationToken: stop);
            // Not known before there is a tokenizer.
            await group.WriteAsync<long>(TokenCount, new long?[rows.Length], cancellationToken: stop);

            async Task Strings(DataField field, Func<Document, string> value) => await group.WriteAsync(field, rows.Select(value).ToArray());
        }
    }
}
