using System.Collections.Concurrent;
using Dolmen.Artifacts;
using Microsoft.Data.Sqlite;

namespace Dolmen.Retrieval;

/// <summary>
/// Passages in one SQLite file with a full-text index (FTS5), searched by BM25. The file is read-only once built, and the same passages in
/// the same order give the same bytes. Thread-safe.
/// </summary>
public sealed class DocumentIndex : IDisposable
{
    /// <summary>The name of the file in a run's folder <c>index</c>.</summary>
    public const string FileName = "documents.sqlite";

    private const int MaxCount = 1000;

    private readonly ConcurrentBag<IndexReader> _readers = [];
    private readonly Dictionary<string, int> _frequent;
    private bool _disposed;

    private DocumentIndex(string file, IndexReader first)
    {
        Path = file;
        Count = first.Count();
        _frequent = first.FrequentTerms();
        _readers.Add(first);
    }

    public string Path { get; }

    /// <summary>How many passages it holds.</summary>
    public int Count { get; }

    /// <summary>Writes the file whole or not at all.</summary>
    /// <exception cref="UserErrorException">A passage has no id or one that another has, or the file cannot be written.</exception>
    public static int Build(
        string file,
        IEnumerable<Passage> passages,
        IProgress<StageProgress>? progress = null,
        CancellationToken cancellation = default
    ) => IndexWriter.Write(file, passages, progress, cancellation);

    /// <exception cref="UserErrorException">The file is missing, damaged, or not an index.</exception>
    public static DocumentIndex Open(string file)
    {
        if (FileTypes.Of(file) is not FileType.Regular and var type)
        {
            throw new UserErrorException(
                $"{file} is {(type == FileType.Missing ? "missing" : type.Name())}: an index of documents is one file, "
                    + $"{FileName} in the folder index of a run. Name such a file or run, or do without with --no-documents."
            );
        }
        return IndexReader.Guarded(
            file,
            () =>
            {
                var reader = new IndexReader(file);
                try
                {
                    return new DocumentIndex(file, reader);
                }
                catch
                {
                    reader.Dispose();
                    throw;
                }
            }
        );
    }

    /// <summary>The passages that answer a question best, best first: none where nothing of it occurs. Any text is a valid
    /// question.</summary>
    public IReadOnlyList<FoundPassage> Search(string question, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ObjectDisposedException.ThrowIf(_disposed, this);
        var terms = QuestionTerms.Of(question);
        if (count == 0 || terms.Count == 0 || Count == 0) return [];
        return IndexReader.Guarded(Path, () =>
        {
            if (!_readers.TryTake(out var reader)) reader = new IndexReader(Path);
            try
            {
                return reader.Search(Rarest(terms, reader), Math.Min(count, MaxCount));
            }
            finally
            {
                _readers.Add(reader);
                if (_disposed) CloseReaders();
            }
        });
    }

    // Words of many passages say little and cost much: they are left out once rarer ones were found.
    private List<string> Rarest(List<string> terms, IndexReader reader)
    {
        const int maxTerms = 64, maxPostings = 20_000;
        var chosen = new List<string>();
        long postings = 0;
        var known = terms.Select(term => (Term: term, Passages: Passages(term))).Where(t => t.Passages > 0);
        foreach (var (term, passages) in known.OrderBy(t => t.Passages))
        {
            if (chosen.Count == maxTerms || (chosen.Count > 0 && postings + passages > maxPostings)) break;
            chosen.Add(term);
            postings += passages;
        }
        return chosen;

        int Passages(string term) => _frequent.TryGetValue(term, out var passages) ? passages : reader.CountOfRare(term);
    }

    public void Dispose()
    {
        _disposed = true;
        CloseReaders();
    }

    private void CloseReaders()
    {
        while (_readers.TryTake(out var reader)) reader.Dispose();
    }
}
