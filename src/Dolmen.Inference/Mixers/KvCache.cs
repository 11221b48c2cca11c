using System.Runtime.InteropServices;
using Dolmen.Inference.Kernels;

namespace Dolmen.Inference.Mixers;

// K kv-heads, E head dim, P positions of a page (64), B positions of a block (16)

/// <summary>Keys and values of one attention layer in pages of P positions, which copies share. A page has for each head the keys in blocks
/// of (E, B positions), then the values as (P, E rounded up to 16): what <see cref="Attention"/> reads front to back. With a sliding window
/// pages that no later token sees are given back.</summary>
internal sealed unsafe class KvCache : LayerState
{
    private readonly int _heads;
    private readonly int _headDim;
    private readonly int? _window;
    private readonly StateMemory _memory;
    private readonly List<KvPage> _pages = [];
    private readonly List<nint> _addresses = [];                         // of the pages' first floats
    private int _lowest;                                                 // the first position still held

    public KvCache(int heads, int headDim, int? window, StateMemory memory)
    {
        (_heads, _headDim, _window, _memory) = (heads, headDim, window, memory);
        ValueStride = (headDim + 15) / 16 * 16;
    }

    public override long Bytes => _pages.Sum(page => page.Bytes);

    public int Length { get; private set; }

    public int ValueStride { get; }

    /// <summary>Number of the first page held.</summary>
    public int FirstPage { get; private set; }

    /// <summary>Addresses of the pages held.</summary>
    public ReadOnlySpan<nint> Pages => CollectionsMarshal.AsSpan(_addresses);

    private long KeyFloats => (long)KvPage.Positions * _headDim;

    private long HeadFloats => KeyFloats + (long)KvPage.Positions * ValueStride;

    /// <summary>Where in a page the keys of a head begin, in floats.</summary>
    public long KeysAt(int head) => head * HeadFloats;

    /// <summary>Where in a page the values of a head begin, in floats.</summary>
    public long ValuesAt(int head) => head * HeadFloats + KeyFloats;

    /// <summary>Makes room for <paramref name="tokens"/> more; <see cref="Put"/> them before anything else.</summary>
    public void Append(int tokens)
    {
        if (Length % KvPage.Positions != 0 && _pages[^1].IsShared) Replace(_pages.Count - 1, _pages[^1].Copy());
        Length += tokens;
        while ((FirstPage + _pages.Count) * KvPage.Positions < Length) Add(new KvPage(_heads * HeadFloats, _memory));
    }

    /// <summary>Not before <see cref="Append"/>. Several threads may put different positions.</summary>
    public void Put(int head, int position, float* key, float* value)
    {
        Place(head, position, out var keys, out var values);
        for (var e = 0; e < _headDim; e++) keys[e * Attention.Block] = key[e];
        new ReadOnlySpan<float>(value, _headDim).CopyTo(new Span<float>(values, _headDim));
    }

    /// <summary>Gives back the pages that lie before the window of every token to come, the last few taken back included.</summary>
    public void Forget()
    {
        if (_window is null) return;
        var count = Math.Min(_pages.Count, FirstSaved(Math.Max(0, Length - Speculation.MostDrafts)) / KvPage.Positions - FirstPage);
        if (count <= 0) return;
        for (var i = 0; i < count; i++) _pages[i].Release();
        _pages.RemoveRange(0, count);
        _addresses.RemoveRange(0, count);
        FirstPage += count;
        _lowest = Math.Max(_lowest, FirstPage * KvPage.Positions);
    }

    public override LayerState Fork()
    {
        var copy = new KvCache(_heads, _headDim, _window, _memory) { Length = Length, FirstPage = FirstPage, _lowest = _lowest };
        foreach (var page in _pages) copy.Add(page.Share());
        return copy;
    }

    public override bool CanTruncate(int length) => _lowest == 0 || (_window is { } window && _lowest <= length - window);

    public override void Truncate(int length)
    {
        Length = length;
        if (length == 0) (FirstPage, _lowest) = (0, 0);
        var kept = length == 0 ? 0 : (length + KvPage.Positions - 1) / KvPage.Positions - FirstPage;
        for (var i = kept; i < _pages.Count; i++) _pages[i].Release();
        _pages.RemoveRange(kept, _pages.Count - kept);
        _addresses.RemoveRange(kept, _addresses.Count - kept);
    }

    public override void Save(Stream stream)
    {
        var row = new float[2 * _headDim];
        for (var position = FirstSaved(Length); position < Length; position++)
        {
            for (var head = 0; head < _heads; head++)
            {
                Place(head, position, out var keys, out var values);
                for (var e = 0; e < _headDim; e++) (row[e], row[_headDim + e]) = (keys[e * Attention.Block], values[e]);
                FloatStream.Write(stream, row);
            }
        }
    }

    public override void Load(Stream stream, int length)
    {
        // Memory is taken as the stream delivers: a length that lies costs nothing.
        var row = new float[2 * _headDim];
        Length = _lowest = FirstSaved(length);
        FirstPage = Length / KvPage.Positions;
        if (Length % KvPage.Positions != 0) Add(new KvPage(_heads * HeadFloats, _memory));
        while (Length < length)
        {
            Append(1);
            for (var head = 0; head < _heads; head++)
            {
                FloatStream.Read(stream, row);
                fixed (float* at = row) Put(head, Length - 1, at, at + _headDim);
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing) Truncate(0);
    }

    private int FirstSaved(int length) => _window is { } window ? Math.Max(0, length - window) : 0;

    private void Add(KvPage page)
    {
        _pages.Add(page);
        _addresses.Add((nint)page.Floats);
    }

    private void Replace(int index, KvPage page)
    {
        _pages[index].Release();
        (_pages[index], _addresses[index]) = (page, (nint)page.Floats);
    }

    private void Place(int head, int position, out float* keys, out float* values)
    {
        var (page, at) = Math.DivRem(position, KvPage.Positions);
        var (block, lane) = Math.DivRem(at, Attention.Block);
        var floats = (float*)_addresses[page - FirstPage];
        keys = floats + KeysAt(head) + (long)block * _headDim * Attention.Block + lane;
        values = floats + ValuesAt(head) + (long)at * ValueStride;
    }
}
