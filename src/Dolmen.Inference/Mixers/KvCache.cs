using System.Runtime.InteropServices;
using Dolmen.Inference.Kernels;

namespace Dolmen.Inference.Mixers;

// K kv-heads, E head dim, P positions of a page (64), B positions of a block (16)

/// <summary>Keys and values of one attention layer in pages of P positions, which copies share. A page has for each head the keys in blocks
/// of (E, B positions), then the values as (P, E rounded up to 16): what <see cref="Attention"/> reads front to back. Where they are kept
/// as codes, the scales of the P keys follow the keys, those of the values the values. With a sliding window pages that no later token
/// sees are given back.</summary>
internal sealed unsafe class KvCache : LayerState
{
    private readonly int _heads;
    private readonly int _headDim;
    private readonly int? _window;
    private readonly StateMemory _memory;
    private readonly List<KvPage> _pages = [];
    private readonly List<nint> _addresses = [];                         // of the pages' first bytes
    private readonly int _codeBytes;
    private readonly int _scaleBytes;                                    // of P keys or values
    private int _lowest;                                                 // the first position still held

    /// <param name="precision">Not <see cref="KvPrecision.Automatic"/>.</param>
    public KvCache(int heads, int headDim, int? window, StateMemory memory, KvPrecision precision = KvPrecision.Float32)
    {
        (_heads, _headDim, _window, _memory, Precision) = (heads, headDim, window, memory, precision);
        ValueStride = StrideOf(headDim);
        _codeBytes = KvCodes.Bytes(precision);
        _scaleBytes = KvPage.Positions * ScaleBytes(precision);
    }

    public KvPrecision Precision { get; }

    public override long Bytes => _pages.Sum(page => page.Bytes);

    internal override long SharedEndBytes => EndIsShared ? _pages[^1].Bytes : 0;

    public int Length { get; private set; }

    public int ValueStride { get; }

    /// <summary>Number of the first page held.</summary>
    public int FirstPage { get; private set; }

    /// <summary>Addresses of the pages held.</summary>
    public ReadOnlySpan<nint> Pages => CollectionsMarshal.AsSpan(_addresses);

    /// <summary>Whether the page that the next position lies in belongs to a copy too.</summary>
    private bool EndIsShared => Length % KvPage.Positions != 0 && _pages[^1].IsShared;

    private long KeyBytes => (long)KvPage.Positions * _headDim * _codeBytes;

    private long ValueBytes => (long)KvPage.Positions * ValueStride * _codeBytes;

    private long HeadBytes => KeyBytes + ValueBytes + 2 * _scaleBytes;

    /// <summary>Where in a page the keys of a head begin, in bytes.</summary>
    public long KeysAt(int head) => head * HeadBytes;

    public long KeyScalesAt(int head) => KeysAt(head) + KeyBytes;

    /// <summary>Where in a page the values of a head begin, in bytes.</summary>
    public long ValuesAt(int head) => KeyScalesAt(head) + _scaleBytes;

    public long ValueScalesAt(int head) => ValuesAt(head) + ValueBytes;

    /// <summary>Bytes that one position takes.</summary>
    public static long PositionBytes(int heads, int headDim, KvPrecision precision) =>
        heads * ((long)(headDim + StrideOf(headDim)) * KvCodes.Bytes(precision) + 2 * ScaleBytes(precision));

    private static int ScaleBytes(KvPrecision precision) => precision == KvPrecision.Float32 ? 0 : sizeof(float);

    private static int StrideOf(int headDim) => (headDim + 15) / 16 * 16;

    /// <summary>Makes room for <paramref name="tokens"/> more; <see cref="Put"/> them before anything else.</summary>
    public void Append(int tokens)
    {
        if (EndIsShared) Replace(_pages.Count - 1, _pages[^1].Copy());
        Length += tokens;
        while ((FirstPage + _pages.Count) * KvPage.Positions < Length) Add(new KvPage(_heads * HeadBytes, _memory));
    }

    /// <summary>Not before <see cref="Append"/>. Several threads may put different positions.</summary>
    public void Put(int head, int position, float* key, float* value)
    {
        var at = Place(head, position);
        var keyScale = KvCodes.Store(Precision, key, _headDim, at.Key, Attention.Block);
        var valueScale = KvCodes.Store(Precision, value, _headDim, at.Value, 1);
        if (_scaleBytes == 0) return;
        *at.KeyScale = keyScale;
        *at.ValueScale = valueScale;
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
        var copy = new KvCache(_heads, _headDim, _window, _memory, Precision) { Length = Length, FirstPage = FirstPage, _lowest = _lowest };
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
        // Codes as they are: what is read again is the same to the bit.
        var (codes, scales) = (new byte[2 * _headDim * _codeBytes], new float[_scaleBytes == 0 ? 0 : 2]);
        for (var position = FirstSaved(Length); position < Length; position++)
        {
            for (var head = 0; head < _heads; head++)
            {
                var at = Place(head, position);
                for (var e = 0; e < _headDim; e++)
                {
                    Copy(at.Key + (long)e * Attention.Block * _codeBytes, codes.AsSpan(e * _codeBytes, _codeBytes));
                    Copy(at.Value + (long)e * _codeBytes, codes.AsSpan((_headDim + e) * _codeBytes, _codeBytes));
                }
                if (scales.Length > 0) (scales[0], scales[1]) = (*at.KeyScale, *at.ValueScale);
                FloatStream.Write(stream, scales);
                stream.Write(codes);
            }
        }
    }

    public override void Load(Stream stream, int length)
    {
        // Memory is taken as the stream delivers: a length that lies costs nothing.
        var (codes, scales) = (new byte[2 * _headDim * _codeBytes], new float[_scaleBytes == 0 ? 0 : 2]);
        Length = _lowest = FirstSaved(length);
        FirstPage = Length / KvPage.Positions;
        if (Length % KvPage.Positions != 0) Add(new KvPage(_heads * HeadBytes, _memory));
        while (Length < length)
        {
            Append(1);
            for (var head = 0; head < _heads; head++)
            {
                FloatStream.Read(stream, scales);
                stream.ReadExactly(codes);
                var at = Place(head, Length - 1);
                for (var e = 0; e < _headDim; e++)
                {
                    Copy(codes.AsSpan(e * _codeBytes, _codeBytes), at.Key + (long)e * Attention.Block * _codeBytes);
                    Copy(codes.AsSpan((_headDim + e) * _codeBytes, _codeBytes), at.Value + (long)e * _codeBytes);
                }
                if (scales.Length > 0) (*at.KeyScale, *at.ValueScale) = (scales[0], scales[1]);
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
        _addresses.Add((nint)page.Pointer);
    }

    private void Replace(int index, KvPage page)
    {
        _pages[index].Release();
        (_pages[index], _addresses[index]) = (page, (nint)page.Pointer);
    }

    private static void Copy(byte* from, Span<byte> to) => new ReadOnlySpan<byte>(from, to.Length).CopyTo(to);

    private static void Copy(ReadOnlySpan<byte> from, byte* to) => from.CopyTo(new Span<byte>(to, from.Length));

    private Places Place(int head, int position)
    {
        var (page, at) = Math.DivRem(position, KvPage.Positions);
        var (block, lane) = Math.DivRem(at, Attention.Block);
        var start = (byte*)_addresses[page - FirstPage];
        return new Places
        {
            Key = start + KeysAt(head) + ((long)block * _headDim * Attention.Block + lane) * _codeBytes,
            Value = start + ValuesAt(head) + (long)at * ValueStride * _codeBytes,
            KeyScale = (float*)(start + KeyScalesAt(head)) + at,
            ValueScale = (float*)(start + ValueScalesAt(head)) + at,
        };
    }

    /// <summary>Where a position's numbers are: those of the key <see cref="Attention.Block"/> apart. Scales only where there are
    /// codes.</summary>
    private ref struct Places
    {
        public byte* Key, Value;
        public float* KeyScale, ValueScale;
    }
}
