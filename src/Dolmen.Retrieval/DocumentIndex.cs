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
    private const int FewestCandidates = 100;
    private const int MostRead = 8000;
    private const int MostReaders = 8;

    // All of them opened with the index: a file of the same name that is built later is another one.
    private readonly ConcurrentBag<IndexReader> _readers;
    private readonly SemaphoreSlim _free;
    private readonly Dictionary<string, int> _frequent;
    private readonly Ranking _ranking;
    private bool _disposed;

    private DocumentIndex(string file, ConcurrentBag<IndexReader> readers, IndexReader first)
    {
        Path = file;
        (_readers, _free) = (readers, new SemaphoreSlim(readers.Count));
        Count = first.Count();
        _frequent = first.FrequentTerms();
        _ranking = new Ranking(Count, first.MeanLengths(Count));
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
        return IndexReader.Guarded(file, () =>
        {
            var (readers, before) = (new ConcurrentBag<IndexReader>(), Stamp(file));
            try
            {
                var first = new IndexReader(file);
                readers.Add(first);
                while (readers.Count < Math.Min(Environment.ProcessorCount, MostReaders)) readers.Add(new IndexReader(file));
                if (Stamp(file) != before)
                    throw new UserErrorException($"{file} was written anew while it was opened: open it again once it is built.");
                return new DocumentIndex(file, readers, first);
            }
            catch
            {
                foreach (var reader in readers) reader.Dispose();
                throw;
            }
        });
    }

    private static (long, DateTime) Stamp(string file)
    {
        var found = new FileInfo(file);
        return found.Exists ? (found.Length, found.LastWriteTimeUtc) : default;
    }

    /// <summary>The passages that answer a question best, best first: none where nothing of it occurs. Any text is a valid
    /// question.</summary>
    public IReadOnlyList<FoundPassage> Search(string question, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ObjectDisposedException.ThrowIf(_disposed, this);
        var asked = QuestionTerms.Of(question);
        if (count == 0 || asked.Terms.Count == 0 || Count == 0) return [];
        return IndexReader.Guarded(Path, () =>
        {
            _free.Wait();
            var isOpen = _readers.TryTake(out var reader);
            ObjectDisposedException.ThrowIf(!isOpen, this);
            try
            {
                return Search(asked, Math.Min(count, MaxCount), reader!);
            }
            finally
            {
                _readers.Add(reader!);
                _free.Release();
                if (_disposed) CloseReaders();
            }
        });
    }

    private List<FoundPassage> Search(QuestionTerms asked, int count, IndexReader reader)
    {
        var holding = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var term in asked.Terms)
            if (Holding(term) is > 0 and var some) holding[term] = some;
        foreach (var (container, own) in asked.Containers)
            if (holding.ContainsKey(container)) foreach (var name in own) holding.Remove(name);
        var weights = holding.ToDictionary(term => term.Key, term => _ranking.Weight(term.Value), StringComparer.Ordinal);

        List<FoundPassage> found = [];
        foreach (var number in Candidates(holding, weights, Math.Max(count, FewestCandidates), reader))
        {
            var passage = reader.Read(number);
            found.Add(new FoundPassage(passage, _ranking.Score(passage, weights)));
        }
        // Stable: of equals the one that comes first in the index.
        return [.. found.OrderByDescending(one => one.Score).Take(count)];

        int Holding(string term) => _frequent.TryGetValue(term, out var passages) ? passages : reader.CountOfRare(term);
    }

    /// <summary>The passages that hold most of the question's rare terms, in the order of the index. Frequent terms say little and cost
    /// much: they only help to rank.</summary>
    private static IEnumerable<int> Candidates(
        Dictionary<string, int> holding,
        Dictionary<string, double> weights,
        int most,
        IndexReader reader
    )
    {
        var scores = new Dictionary<int, double>();
        long read = 0;
        foreach (var (term, passages) in holding.OrderBy(term => term.Value).ThenBy(term => term.Key, StringComparer.Ordinal))
        {
            if (scores.Count > 0 && read + passages > MostRead) break;
            foreach (var number in reader.Holding(term))
                scores[number] = scores.GetValueOrDefault(number) + weights[term];
            read += passages;
        }
        return scores.OrderByDescending(one => one.Value).ThenBy(one => one.Key).Take(most).Select(one => one.Key).Order();
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
