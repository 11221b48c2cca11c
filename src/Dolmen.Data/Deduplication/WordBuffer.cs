namespace Dolmen.Data.Deduplication;

/// <summary>The normalised words of one text: a hash each, and where in the text it stands. Reused from document to document.</summary>
internal sealed class WordBuffer
{
    private ulong[] _hashes = new ulong[1024];
    private int[] _starts = new int[1024];
    private int[] _ends = new int[1024];

    public int Count { get; private set; }

    public ReadOnlySpan<ulong> Hashes => _hashes.AsSpan(0, Count);

    public ReadOnlySpan<int> Starts => _starts.AsSpan(0, Count);

    public ReadOnlySpan<int> Ends => _ends.AsSpan(0, Count);

    public void Clear() => Count = 0;

    public void Add(ulong hash, int start, int end)
    {
        if (Count == _hashes.Length)
        {
            Array.Resize(ref _hashes, Count * 2);
            Array.Resize(ref _starts, Count * 2);
            Array.Resize(ref _ends, Count * 2);
        }
        _hashes[Count] = hash;
        _starts[Count] = start;
        _ends[Count++] = end;
    }
}
