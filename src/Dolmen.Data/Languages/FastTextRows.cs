using System.Buffers;

namespace Dolmen.Data.Languages;

/// <summary>Rows and word hashes of one text, in pooled arrays that grow.</summary>
internal ref struct FastTextRows(int capacity)
{
    private int[] _rows = ArrayPool<int>.Shared.Rent(capacity);
    private int[] _hashes = [];
    private int _count;
    private int _hashCount;

    public readonly ReadOnlySpan<int> Rows => _rows.AsSpan(0, _count);

    public readonly ReadOnlySpan<int> Hashes => _hashes.AsSpan(0, _hashCount);

    public void Add(int row)
    {
        if (_count == _rows.Length) _rows = Grown(_rows);
        _rows[_count++] = row;
    }

    public void AddHash(int hash)
    {
        if (_hashCount == _hashes.Length) _hashes = Grown(_hashes);
        _hashes[_hashCount++] = hash;
    }

    public readonly void Dispose()
    {
        ArrayPool<int>.Shared.Return(_rows);
        if (_hashes.Length > 0) ArrayPool<int>.Shared.Return(_hashes);
    }

    private static int[] Grown(int[] full)
    {
        var larger = ArrayPool<int>.Shared.Rent(Math.Max(256, full.Length * 2));
        full.CopyTo(larger, 0);
        if (full.Length > 0) ArrayPool<int>.Shared.Return(full);
        return larger;
    }
}
