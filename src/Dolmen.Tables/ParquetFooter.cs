using System.Buffers;
using System.Buffers.Binary;

namespace Dolmen.Tables;

/// <summary>Checks a Parquet file's footer before a reader believes it.</summary>
internal static class ParquetFooter
{
    private const int MaxBytes = 128 << 20;
    private const int MaxSchemaDepth = 64;
    private const int TailBytes = 8;

    /// <returns>Where the footer begins, and the columns' bytes end.</returns>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static long Check(Stream stream)
    {
        Span<byte> tail = stackalloc byte[TailBytes];
        if (stream.Length < 4 + TailBytes) throw new EndOfStreamException($"It has {stream.Length} bytes.");
        stream.Position = stream.Length - TailBytes;
        stream.ReadExactly(tail);
        if (!tail[4..].SequenceEqual("PAR1"u8))
            throw new InvalidDataException("It does not end as Parquet files do: it is truncated, encrypted or none.");
        var length = BinaryPrimitives.ReadInt32LittleEndian(tail);
        var start = stream.Length - TailBytes - length;
        if (length is <= 0 or > MaxBytes || start < 4) throw new InvalidDataException($"Its footer says that it has {length} bytes.");
        var bytes = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            stream.Position = start;
            stream.ReadExactly(bytes, 0, length);
            var tree = new SchemaTree();
            new ThriftWalk(bytes.AsSpan(0, length), tree.Number).Struct("FileMetaData");
            tree.Complete();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
        return start;
    }

    /// <summary>The columns stand in the order of a walk through their tree, each with the number of its children, which readers follow by
    /// recursion.</summary>
    private sealed class SchemaTree
    {
        private readonly Stack<long> _open = new();
        private long _children;
        private bool _begun;

        public void Number(string structure, int field, long value)
        {
            if (structure != "SchemaElement") return;
            if (field == 0) Element();
            else if (field == 5) _children = value;
        }

        public void Complete()
        {
            Close();
            while (_open.TryPeek(out var left) && left == 0) _open.Pop();
            if (_open.Count > 0) throw new InvalidDataException("Its schema lacks columns that it counts.");
        }

        private void Element()
        {
            if (!_begun)
            {
                _begun = true;
                return;
            }
            Close();
            while (_open.TryPeek(out var left) && left == 0) _open.Pop();
            if (!_open.TryPop(out var siblings)) throw new InvalidDataException("Its schema has columns that it does not count.");
            _open.Push(siblings - 1);
        }

        private void Close()
        {
            if (_children < 0 || _open.Count == MaxSchemaDepth) throw new InvalidDataException("Its schema is nested too deep.");
            if (_children > 0 || _open.Count == 0) _open.Push(_children);
            _children = 0;
        }
    }
}
