using System.Buffers.Binary;

namespace Dolmen.Data.Mixing;

/// <summary>Puts rows in the order of their places without holding all of them: each goes into the file of its range of places, then one
/// range after another is sorted in memory. How many ranges there are changes nothing.</summary>
internal sealed class ShuffleBuckets : IDisposable
{
    private const long BucketBytes = 48L << 20;
    private const int MaxBuckets = 512;

    private readonly string _folder;
    private readonly FileStream[] _buckets;

    public ShuffleBuckets(string folder, double expectedBytes)
    {
        _folder = Directory.CreateDirectory(folder).FullName;
        _buckets = new FileStream[(int)Math.Clamp(expectedBytes / BucketBytes, 1, MaxBuckets)];
        for (var b = 0; b < _buckets.Length; b++)
            _buckets[b] = new FileStream(
                Path.Combine(_folder, $"{b:00000}"),
                FileMode.CreateNew,
                FileAccess.ReadWrite,
                FileShare.None,
                1 << 15,
                FileOptions.DeleteOnClose
            );
    }

    /// <summary>Safe to call from many threads at once.</summary>
    public void Add(ulong place, ReadOnlySpan<byte> row)
    {
        Span<byte> head = stackalloc byte[12];
        BinaryPrimitives.WriteUInt64LittleEndian(head, place);
        BinaryPrimitives.WriteInt32LittleEndian(head[8..], row.Length);
        var bucket = _buckets[(int)Math.BigMul(place, (ulong)_buckets.Length, out _)];
        lock (bucket)
        {
            bucket.Write(head);
            bucket.Write(row);
        }
    }

    /// <summary>All rows, in the order of their places; rows that share one in the order of their bytes.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> InOrder()
    {
        foreach (var bucket in _buckets)
        {
            var bytes = new byte[bucket.Length];
            bucket.Position = 0;
            bucket.ReadExactly(bytes);
            bucket.SetLength(0);
            var rows = new List<(ulong Place, int Start, int Length)>();
            for (var at = 0; at < bytes.Length;)
            {
                var length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + 8));
                rows.Add((BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at)), at + 12, length));
                at += 12 + length;
            }
            rows.Sort((a, b) => a.Place != b.Place ? a.Place.CompareTo(b.Place)
                : bytes.AsSpan(a.Start, a.Length).SequenceCompareTo(bytes.AsSpan(b.Start, b.Length)));
            foreach (var (_, start, length) in rows) yield return bytes.AsMemory(start, length);
        }
    }

    public void Dispose()
    {
        foreach (var bucket in _buckets) bucket?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
