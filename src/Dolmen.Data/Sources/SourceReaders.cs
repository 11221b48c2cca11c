using Dolmen.Artifacts;
using Dolmen.Artifacts.Compression;
using Dolmen.Data.Inputs;
using Dolmen.Web.Warc;

namespace Dolmen.Data.Sources;

/// <summary>The records of an input file, whatever its type, one at a time.</summary>
internal static class SourceReaders
{
    /// <summary>Reads the records of one file out of its uncompressed bytes.</summary>
    private delegate IEnumerable<SourceRecord> Reader(
        InputFile file,
        StoredMembers content,
        ReadLimits limits,
        Funnel funnel,
        CancellationToken stop
    );

    private static readonly Dictionary<string, Reader> ByType = new(StringComparer.Ordinal)
    {
        [".warc"] = CrawlFiles.ReadWarc,
        [".wet"] = CrawlFiles.ReadWarc,
        [".wat"] = CrawlFiles.ReadWarc,
        [".arc"] = CrawlFiles.ReadArc,
        [".jsonl"] = JsonRows.Read,
        [".ndjson"] = JsonRows.Read,
        [".parquet"] = ParquetRows.Read,
        [".csv"] = SeparatedRows.Read,
        [".tsv"] = SeparatedRows.Read,
        [".txt"] = WholeFiles.Read,
        [".md"] = WholeFiles.Read,
        [".html"] = WholeFiles.Read,
        [".htm"] = WholeFiles.Read,
        [".xhtml"] = WholeFiles.Read,
        [".xml"] = EntryFiles.Read,
        [".cs"] = EntryFiles.Read,
    };

    /// <summary>Records in file order. What is broken or not a document is counted in <paramref name="funnel"/> and left out.</summary>
    /// <exception cref="UserErrorException">The file cannot be read at all, is truncated (other than a WARC, whose readable part is worth
    /// having), or has not the columns it needs.</exception>
    public static IEnumerable<SourceRecord> Read(InputFile file, ReadLimits limits, Funnel funnel, CancellationToken stop)
    {
        using var content = BoundedText.Guard(file, () => StoredMembers.Open(file));
        var reader = BoundedText.Guard(file, () => ReaderOf(file));
        using var records = reader(file, content, limits, funnel, stop).GetEnumerator();
        Func<bool> next = records.MoveNext;
        while (BoundedText.Guard(file, next))
        {
            stop.ThrowIfCancellationRequested();
            yield return records.Current;
        }
    }

    // Crawls go by many names (crawl.warc.wet.gz, sample.wet.txt): what a file begins with says it better.
    private static Reader ReaderOf(InputFile file)
    {
        using var content = StoredMembers.Open(file);
        var start = StoredMembers.ReadStart(file, stackalloc byte[StoredMembers.StartBytes]);
        if (WarcPages.Begins(start)) return CrawlFiles.ReadWarc;
        if (ArcPages.Begins(start)) return CrawlFiles.ReadArc;
        var type = InputFiles.TypeOf(file.Path);
        var reader =
            ByType.GetValueOrDefault(InputFiles.ContentTypeOf(file.Path))
            ?? throw new UserErrorException(
                $"{file.Path} is not of a type that can be read ({InputFiles.Readable}). Convert it, or leave it out."
            );
        if (
            content.IsPlain
            && reader != CrawlFiles.ReadWarc
            && reader != CrawlFiles.ReadArc
            && type.Length > 0
            && InputFiles.ContentTypeOf(file.Path) != type
        )
            throw new InvalidDataException($"It is not compressed, and {type} files are.");
        return reader;
    }
}
