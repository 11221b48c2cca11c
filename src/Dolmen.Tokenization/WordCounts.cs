using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>How often each piece of the pre-tokenizer occurs: all that learning merges needs to know of a corpus.</summary>
internal static class WordCounts
{
    /// <summary>Sorted by bytes, so that neither threads nor the order of documents leave a trace.</summary>
    public static KeyValuePair<byte[], long>[] Of(
        IEnumerable<string> documents, int threads, IProgress<StageProgress> progress, CancellationToken stop)
    {
        var total = NewCounts();
        var bytesDone = 0L;
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = stop };
        try
        {
            Parallel.ForEach(documents, options, NewCounts, (document, _, counts) =>
            {
                var done = Interlocked.Add(ref bytesDone, Count(document, counts));
                progress.Report(new StageProgress("words", done / 1e6, 0, "MB"));
                return counts;
            }, counts =>
            {
                lock (total)
                    foreach (var (word, count) in counts) CollectionsMarshal.GetValueRefOrAddDefault(total, word, out _) += count;
            });
        }
        catch (AggregateException failures) when (failures.InnerException is { } first)
        {
            ExceptionDispatchInfo.Throw(first);                          // what reading a document threw, as if read on this thread
        }
        var sorted = total.ToArray();
        Array.Sort(sorted, (a, b) => a.Key.AsSpan().SequenceCompareTo(b.Key));
        return sorted;
    }

    private static int Count(string document, Dictionary<byte[], long> counts)
    {
        var rented = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetByteCount(document));
        ReadOnlySpan<byte> text = rented.AsSpan(0, Encoding.UTF8.GetBytes(document, rented));
        var byWord = counts.GetAlternateLookup<ReadOnlySpan<byte>>();
        var ends = new List<int>(text.Length / 4 + 4);
        PreTokenizer.O200k.Split(text, ends);
        var start = 0;
        foreach (var end in ends)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(byWord, text[start..end], out _)++;
            start = end;
        }
        ArrayPool<byte>.Shared.Return(rented);
        return text.Length;
    }

    private static Dictionary<byte[], long> NewCounts() => new(ByContent.Instance);

    private sealed class ByContent : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly ByContent Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = new HashCode();
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }
    }
}
