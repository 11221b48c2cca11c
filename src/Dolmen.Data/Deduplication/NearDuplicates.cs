using System.Runtime.InteropServices;
using Dolmen.Artifacts;

namespace Dolmen.Data.Deduplication;

/// <param name="Stage">What is being done: <c>texts</c>, <c>buckets</c> or <c>pairs</c>.</param>
internal readonly record struct DuplicateProgress(string Stage, long Done, long Total);

/// <summary>What <see cref="NearDuplicates"/> wrote to its output folder. A document's ordinal is its row plus the rows of all files
/// before its own.</summary>
internal sealed record DuplicatePairs(string Directory, long Documents, long ExactCopies, long Candidates, long NearPairs)
{
    public string ExactFile => Path.Combine(Directory, "exact.pairs");

    public string NearFile => Path.Combine(Directory, "near.pairs");

    public string RankFile => Path.Combine(Directory, "ranks");

    public string KeyFile => Path.Combine(Directory, "keys");
}

/// <summary>A corpus that was searched before: how many documents it has, their bucket entries sorted, and their pairs.</summary>
internal sealed record EarlierCorpus(long Documents, string? BandFile, string? NearFile)
{
    public static readonly EarlierCorpus None = new(0, null, null);

    /// <summary>Puts all documents of the earlier corpus before all new ones, each part in its own order.</summary>
    public PriorityKey Placed(PriorityKey key, long ordinal) =>
        Documents == 0 ? key : key with { Date = (key.Date >> 1) | (ordinal < Documents ? 0 : 1UL << 63) };
}

/// <summary>Finds exact and near-duplicates among signature files of any size in the memory given. All documents take part, also those that
/// filters drop: <see cref="Clusters"/> then joins the kept ones, again and again for other thresholds.</summary>
internal sealed class NearDuplicates
{
    /// <summary>A bucket of up to this many is compared all with all; in a larger one each document is compared with the first few and with
    /// the few before it, which is linear.</summary>
    private const int AllWithAll = 16;
    private const int Few = 4;
    private const int PairsAtOnce = 1 << 16;

    private readonly IReadOnlyList<SignatureReader> _files;
    private readonly long[] _firsts;
    private readonly MinHashSettings _settings;
    private readonly string _scratch;
    private readonly long _memory;
    private readonly int _threads;
    private readonly IProgress<DuplicateProgress>? _progress;
    private readonly CancellationToken _stop;

    private readonly EarlierCorpus _earlier;

    private NearDuplicates(
        IReadOnlyList<SignatureReader> files,
        EarlierCorpus earlier,
        MinHashSettings settings,
        string scratch,
        long memory,
        int threads,
        IProgress<DuplicateProgress>? progress,
        CancellationToken stop
    )
    {
        _earlier = earlier;
        (_files, _settings, _scratch, _memory, _threads, _progress, _stop) = (files, settings, scratch, memory, threads, progress, stop);
        _firsts = new long[files.Count + 1];
        for (var i = 0; i < files.Count; i++) _firsts[i + 1] = _firsts[i] + files[i].Rows;
        if (Documents > int.MaxValue)
            throw new UserErrorException(
                $"Deduplication was given {Documents} documents: it takes at most {int.MaxValue} at once. Split the corpus, for instance "
                    + $"by language."
            );
    }

    private long Documents => _firsts[^1];

    /// <param name="scratchDirectory">For runs of sorting; nothing stays there.</param>
    /// <param name="memoryBytes">Bound of what sorting holds at once; 4 bytes and a bit for each document come on top.</param>
    public static DuplicatePairs Find(
        IReadOnlyList<string> signatureFiles,
        MinHashSettings settings,
        string outputDirectory,
        string scratchDirectory,
        long memoryBytes,
        int threads = 1,
        IProgress<DuplicateProgress>? progress = null,
        CancellationToken stop = default
    ) => Find(signatureFiles, EarlierCorpus.None, settings, outputDirectory, scratchDirectory, memoryBytes, threads, progress, stop);

    /// <summary>The same after an earlier corpus, whose files come first in <paramref name="signatureFiles"/>: its documents stay rather
    /// than new ones, and its own pairs are taken as found then.</summary>
    public static DuplicatePairs Find(
        IReadOnlyList<string> signatureFiles,
        EarlierCorpus earlier,
        MinHashSettings settings,
        string outputDirectory,
        string scratchDirectory,
        long memoryBytes,
        int threads,
        IProgress<DuplicateProgress>? progress,
        CancellationToken stop
    )
    {
        settings.Check();
        Directory.CreateDirectory(outputDirectory);
        var readers = new List<SignatureReader>();
        try
        {
            foreach (var file in signatureFiles)
                readers.Add(new SignatureReader(file, settings));
            return new NearDuplicates(readers, earlier, settings, scratchDirectory, memoryBytes, threads, progress, stop).Run(
                outputDirectory
            );
        }
        finally
        {
            foreach (var reader in readers) reader.Dispose();
        }
    }

    private DuplicatePairs Run(string output)
    {
        var result = new DuplicatePairs(output, Documents, 0, 0, 0);
        var copies = new Bits(Documents);
        var exact = Texts(result, copies);
        using var candidates = new ExternalSort<Pair>(_scratch, _memory / 2);
        Buckets(copies, candidates);
        long found = 0, near = 0;
        AtomicFile.Write(result.NearFile, stream => ItemFile.Write(stream, Counted(Earlier().Concat(Alike(Distinct(candidates))))));
        return result with { ExactCopies = exact, Candidates = found, NearPairs = near };

        IEnumerable<NearPair> Earlier() => _earlier.NearFile is { } file ? ItemFile.Read<NearPair>(file) : [];

        IEnumerable<NearPair> Counted(IEnumerable<NearPair> pairs)
        {
            foreach (var pair in pairs)
            {
                near++;
                yield return pair;
            }
        }

        IEnumerable<Pair> Distinct(ExternalSort<Pair> sort)
        {
            var last = new Pair(-1, -1);
            foreach (var pair in sort.Sorted())
            {
                if (pair == last) continue;
                found++;
                yield return last = pair;
            }
        }
    }

    /// <summary>Exact groups as pairs (copy, the one that stays), the keys by ordinal and every document's rank. Marks the
    /// copies.</summary>
    private long Texts(DuplicatePairs result, Bits copies)
    {
        using var texts = new ExternalSort<TextItem>(_scratch, _memory / 2);
        using var ranks = new ExternalSort<RankItem>(_scratch, _memory / 2);
        AtomicFile.Write(result.KeyFile, stream =>
        {
            var buffered = new BufferedStream(stream, 1 << 18);
            for (var i = 0; i < _files.Count; i++)
            {
                var first = _firsts[i];
                _files[i].Each((row, head, _, _) =>
                {
                    var place = _earlier.Placed(head.Priority, first + row);
                    texts.Add(new(head.Text, place, first + row));
                    ranks.Add(new(place, head.Text, first + row));
                    var key = head.Priority;
                    buffered.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<PriorityKey>(in key)));
                }, _stop);
                _progress?.Report(new("texts", _firsts[i + 1], Documents));
            }
            buffered.Flush();
        });
        long count = 0;
        AtomicFile.Write(result.ExactFile, stream => ItemFile.Write(stream, Groups()));
        var rank = new int[Documents];
        var next = 0;
        foreach (var item in ranks.Sorted()) rank[item.Ordinal] = next++;
        AtomicFile.Write(result.RankFile, stream => stream.Write(MemoryMarshal.AsBytes(rank.AsSpan())));
        return count;

        IEnumerable<Pair> Groups()
        {
            var stays = new TextItem(default, default, -1);
            foreach (var item in texts.Sorted())
            {
                if (stays.Ordinal < 0 || item.Text != stays.Text)
                {
                    stays = item;
                    continue;
                }
                copies.Set(item.Ordinal);
                count++;
                yield return new(item.Ordinal, stays.Ordinal);
            }
        }
    }

    private void Buckets(Bits copies, ExternalSort<Pair> candidates)
    {
        using var bands = new ExternalSort<BandItem>(_scratch, _memory / 2);
        if (_earlier.BandFile is { } sorted) bands.AddSortedFile(sorted);
        for (var i = 0; i < _files.Count; i++)
        {
            var first = _firsts[i];
            if (first < _earlier.Documents) continue;
            _files[i].Each((row, head, hashes, _) =>
            {
                if (!head.HasBands || copies[first + row]) return;
                foreach (var hash in hashes) bands.Add(new(hash, head.Text.Low, first + row));
            }, _stop);
            _progress?.Report(new("buckets", _firsts[i + 1], Documents));
        }
        // Only the first few of a bucket and a window of the last ones are ever needed.
        var bucket = new long[AllWithAll];
        ulong band = 0;
        long size = 0, seen = 0;
        foreach (var item in bands.Sorted())
        {
            if ((++seen & 0xffff) == 0) _stop.ThrowIfCancellationRequested();
            if ((ulong)item.Ordinal >= (ulong)Documents)
                throw new UserErrorException(
                    $"{_earlier.BandFile} names document {item.Ordinal}, and there are {Documents}: the index is damaged. Restore it from "
                        + $"a copy, or delete it and build the earlier crawls again."
                );
            if (copies[item.Ordinal])
                continue;
            if (size > 0 && item.Band != band)
                size = 0;
            band = item.Band;
            if (size < AllWithAll)
                for (var i = 0; i < size; i++) Candidate(bucket[i], item.Ordinal);
            else
            {
                for (var i = 0; i < Few; i++) Candidate(bucket[i], item.Ordinal);
                for (var i = 1; i <= Few; i++) Candidate(bucket[Slot(size - i)], item.Ordinal);
            }
            bucket[Slot(size++)] = item.Ordinal;
        }

        static int Slot(long place) => place < AllWithAll ? (int)place : Few + (int)((place - Few) % (AllWithAll - Few));

        void Candidate(long a, long b)
        {
            if (Math.Max(a, b) >= _earlier.Documents) candidates.Add(a < b ? new(a, b) : new(b, a));
        }
    }

    private IEnumerable<NearPair> Alike(IEnumerable<Pair> candidates)
    {
        if (_settings.MinJaccard is not { } least)
        {
            foreach (var pair in candidates) yield return new(pair.A, pair.B, 1);
            yield break;
        }
        long done = 0;
        foreach (var chunk in candidates.Chunk(PairsAtOnce))
        {
            var alike = new double[chunk.Length];
            const int part = 1024;
            var parts = (chunk.Length + part - 1) / part;
            Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = _threads, CancellationToken = _stop },
                i => Compare(chunk.AsSpan(i * part, Math.Min(part, chunk.Length - (i * part))), alike.AsSpan(i * part)));
            for (var i = 0; i < chunk.Length; i++)
                if (alike[i] >= least) yield return new(chunk[i].A, chunk[i].B, alike[i]);
            _progress?.Report(new("pairs", done += chunk.Length, 0));
        }
    }

    private void Compare(ReadOnlySpan<Pair> pairs, Span<double> alike)
    {
        var a = new uint[_settings.SketchShingles];
        var b = new uint[_settings.SketchShingles];
        long loaded = -1;
        int countA = 0;
        var wholeA = false;
        for (var i = 0; i < pairs.Length; i++)
        {
            if (pairs[i].A != loaded) countA = Sketch(loaded = pairs[i].A, a, out wholeA);
            var countB = Sketch(pairs[i].B, b, out var wholeB);
            alike[i] = ShingleSketch.Jaccard(a.AsSpan(0, countA), wholeA, b.AsSpan(0, countB), wholeB);
        }
    }

    private int Sketch(long ordinal, uint[] into, out bool whole)
    {
        var file = Array.BinarySearch(_firsts, ordinal);
        if (file < 0) file = ~file - 1;
        // Empty files share their first ordinal with the next; the document is in the last of them.
        while (_firsts[file + 1] <= ordinal) file++;
        return _files[file].Sketch(ordinal - _firsts[file], into, out whole);
    }
}
