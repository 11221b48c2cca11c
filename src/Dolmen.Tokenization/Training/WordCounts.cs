using System.Buffers;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>A text to learn from, and what language it is in where that matters.</summary>
public readonly record struct TrainingText(string Text, string Language = "");

/// <summary>
/// How often each piece of the pre-tokenizer occurs: all that learning merges needs to know of a corpus. What memory cannot hold while
/// counting goes to disk; of what memory cannot hold while learning the rarest words are left out, all of one count together, so that
/// neither threads nor the order of documents leave a trace.
/// </summary>
internal sealed class WordCounts : IDisposable
{
    /// <summary>Learning needs about this for a byte of a word, and for a word.</summary>
    private const int LearningBytesPerByte = 24, LearningBytesPerWord = 48;

    /// <summary>One array holds all words of a table, and all places of learning: beyond these sizes it could not.</summary>
    private const long LargestTable = 1L << 30, MostLearning = LearningBytesPerByte * (3L << 29);

    private readonly PreTokenizer _split;
    private readonly SearchValues<string>? _boundaries;
    private readonly string[] _boundaryNames;
    private readonly long _memory;
    private readonly int _threads;
    private readonly WordRuns _runs = new();
    private readonly Dictionary<string, int> _languages = new(StringComparer.Ordinal);
    private readonly WordTable[] _tables;
    private long _bytesDone;

    /// <param name="split">Cuts documents into words.</param>
    /// <param name="boundaries">Names of special tokens: documents are cut there and the names are not counted.</param>
    /// <param name="memory">In bytes, about.</param>
    /// <param name="threads">To count with.</param>
    public WordCounts(PreTokenizer split, IReadOnlyList<string> boundaries, long memory, int threads)
    {
        (_split, _memory, _threads) = (split, memory, Math.Max(1, threads));
        _boundaryNames = [.. boundaries.OrderByDescending(name => name.Length)];
        _boundaries = boundaries.Count == 0 ? null : SearchValues.Create(_boundaryNames, StringComparison.Ordinal);
        _tables = [.. Enumerable.Range(0, _threads).Select(_ => new WordTable())];
    }

    /// <summary>The languages by their number.</summary>
    public IReadOnlyList<string> Languages => [.. _languages.OrderBy(language => language.Value).Select(language => language.Key)];

    /// <summary>Bytes of text, by language.</summary>
    public long[] LanguageBytes => [.. Enumerable.Range(0, _languages.Count)
        .Select(language => _tables.Sum(table => language < table.LanguageBytes.Count ? table.LanguageBytes[language] : 0))];

    public long Bytes => _bytesDone;

    /// <param name="documents">Read by one thread at a time.</param>
    /// <param name="totalBytes">How much there is, where known.</param>
    /// <param name="progress">Hears of megabytes.</param>
    /// <param name="stop">Ends it early.</param>
    public void Count(IEnumerable<TrainingText> documents, long totalBytes, IProgress<StageProgress> progress, CancellationToken stop)
    {
        using var source = documents.GetEnumerator();
        var gate = new Lock();
        Exception? failure = null;
        void Work(int worker)
        {
            var batch = new List<(string Text, int Language)>();
            var ends = new List<int>();
            try
            {
                while (true)
                {
                    stop.ThrowIfCancellationRequested();
                    batch.Clear();
                    lock (gate)
                    {
                        if (failure is not null) return;
                        for (var size = 0; size < 1 << 16 && source.MoveNext(); size += source.Current.Text.Length)
                            batch.Add((source.Current.Text, LanguageNumber(source.Current.Language)));
                    }
                    if (batch.Count == 0) return;
                    foreach (var (text, language) in batch) CountCut(text, language, _tables[worker], ends);
                    var done = Interlocked.Read(ref _bytesDone);
                    progress.Report(
                        new StageProgress("words", done / 1e6, Math.Max(totalBytes, done) / 1e6 * (totalBytes > 0 ? 1 : 0), "MB")
                    );
                    if (_tables[worker].Size > Math.Min(LargestTable, _memory / 4 / _threads))
                        _runs.Write(_tables[worker]);
                }
            }
            catch (Exception error)
            {
                lock (gate) failure ??= error;
            }
        }
        var threads = Enumerable.Range(1, _threads - 1).Select(worker => new Thread(() => Work(worker)) { IsBackground = true }).ToArray();
        foreach (var thread in threads) thread.Start();
        Work(0);
        foreach (var thread in threads) thread.Join();
        if (failure is not null) ExceptionDispatchInfo.Throw(failure);
    }

    public WordList ToList()
    {
        if (_runs.IsEmpty && _tables.Sum(table => table.Size) <= LargestTable)
        {
            var all = _tables.MaxBy(table => table.Count)!;
            foreach (var table in _tables)
            {
                if (table == all) continue;
                all.Add(table);
                table.Clear();
            }
            return Kept(() =>
                Enumerable.Range(0, all.Count).Select(index => (all.Word(index).ToArray(), all.LanguageOf(index), all.CountOf(index)))
            );
        }
        foreach (var table in _tables) _runs.Write(table);
        return Kept(_runs.Read);
    }

    public void Dispose() => _runs.Dispose();

    private WordList Kept(Func<IEnumerable<(byte[] Word, int Language, long Count)>> words)
    {
        var (least, dropped) = LeastCount(words());
        var list = new WordList { Dropped = (dropped, least) };
        foreach (var (word, language, count) in words())
            if (count >= least) list.Add(word, language, count);
        return list;
    }

    /// <summary>The smallest count at which the words of that and higher counts fit.</summary>
    private (long Least, long Dropped) LeastCount(IEnumerable<(byte[] Word, int Language, long Count)> words)
    {
        var total = 0L;
        var byCount = new SortedDictionary<long, (long Size, long Words)>();
        foreach (var (word, _, count) in words)
        {
            var size = (long)word.Length * LearningBytesPerByte + LearningBytesPerWord;
            var known = byCount.GetValueOrDefault(count);
            byCount[count] = (known.Size + size, known.Words + 1);
            total += size;
        }
        var dropped = 0L;
        foreach (var (count, (size, inside)) in byCount)
        {
            if (total <= Math.Min(_memory, MostLearning)) return (count, dropped);
            total -= size;
            dropped += inside;
        }
        return (byCount.Count == 0 ? 0 : byCount.Keys.Last() + 1, dropped);
    }

    private int LanguageNumber(string language)
    {
        ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(_languages, language, out var known);
        if (!known) number = _languages.Count - 1;
        return number;
    }

    private void CountCut(ReadOnlySpan<char> text, int language, WordTable table, List<int> ends)
    {
        while (_boundaries is not null && text.IndexOfAny(_boundaries) is var at and >= 0)
        {
            CountWords(text[..at], language, table, ends);
            text = text[at..];
            foreach (var name in _boundaryNames)
            {
                if (!text.StartsWith(name, StringComparison.Ordinal)) continue;
                text = text[name.Length..];
                break;
            }
        }
        CountWords(text, language, table, ends);
    }

    private void CountWords(ReadOnlySpan<char> document, int language, WordTable table, List<int> ends)
    {
        if (document.IsEmpty) return;
        var rented = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(document.Length));
        ReadOnlySpan<byte> text = rented.AsSpan(0, Encoding.UTF8.GetBytes(document, rented));
        ends.Clear();
        _split.Split(text, ends);
        var start = 0;
        foreach (var end in CollectionsMarshal.AsSpan(ends))
        {
            if (end >= 0) table.Add(text[start..end], language, 1);
            start = PreTokenizer.EndOf(end);
        }
        table.AddText(text.Length, language);
        Interlocked.Add(ref _bytesDone, text.Length);
        ArrayPool<byte>.Shared.Return(rented);
    }
}
