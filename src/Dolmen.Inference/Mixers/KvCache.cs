using Dolmen.Inference.Kernels;

namespace Dolmen.Inference.Mixers;

// K kv-heads, E head dim, B positions of a block (16)

/// <summary>Keys and values of one attention layer. Keys lie in blocks of (E, B positions), values as (positions, E rounded up to 16):
/// what <see cref="Attention"/> reads front to back. Memory grows by doubling as positions fill. With a sliding window the blocks are a
/// ring that holds the window, the tokens of one pass and what rounding to blocks adds.</summary>
internal sealed unsafe class KvCache : LayerState
{
    /// <summary>Tokens put into a ring before their queries run.</summary>
    public const int RingPass = 4 * Attention.Block;

    private const int FirstBlocks = 4;

    private readonly int _heads;
    private readonly int _headDim;
    private readonly int _capacity;
    private readonly int _mostBlocks;
    private readonly int? _window;
    private NativeBuffer _keys = NativeBuffer.OfFloats(0);
    private NativeBuffer _values = NativeBuffer.OfFloats(0);
    private int _blocks;
    private int _lowest;                                                 // the first position still held

    public KvCache(int heads, int headDim, int capacity, int? window)
    {
        (_heads, _headDim, _capacity, _window) = (heads, headDim, capacity, window);
        ValueStride = (headDim + 15) / 16 * 16;
        _mostBlocks = Blocks(capacity);
        // One block for the window's uneven beginning, one for the pass's.
        if (window is { } width) _mostBlocks = Math.Min(_mostBlocks, Blocks(width) + Blocks(RingPass) + 1);
    }

    public override long Bytes => _keys.Bytes + _values.Bytes;

    public int Length { get; private set; }

    public int ValueStride { get; }

    public float* Keys(int head) => _keys.Floats + (long)head * _blocks * Attention.Block * _headDim;

    public float* Values(int head) => _values.Floats + (long)head * _blocks * Attention.Block * ValueStride;

    /// <summary>Blocks before the ring begins anew; more than there are where it never does.</summary>
    public int RingBlocks => _mostBlocks;

    /// <summary>Makes room for <paramref name="tokens"/> more; <see cref="Put"/> them before anything else.</summary>
    public void Append(int tokens)
    {
        Length += tokens;
        Reserve(Math.Min(Blocks(Length), _mostBlocks));
        _lowest = Math.Max(_lowest, (Blocks(Length) - _mostBlocks) * Attention.Block);
    }

    public void Put(int head, int position, float* key, float* value)
    {
        Place(head, position, out var keys, out var values);
        for (var e = 0; e < _headDim; e++) keys[e * Attention.Block] = key[e];
        new ReadOnlySpan<float>(value, _headDim).CopyTo(new Span<float>(values, _headDim));
    }

    public override LayerState Fork()
    {
        var copy = new KvCache(_heads, _headDim, _capacity, _window) { Length = Length, _lowest = _lowest };
        var used = Math.Min(Blocks(Length), _mostBlocks);
        copy.Reserve(used);
        copy.CopyBlocks(_keys.Floats, _values.Floats, _blocks, used);
        return copy;
    }

    public override bool CanTruncate(int length) => _lowest == 0 || (_window is { } window && _lowest <= length - window + 1);

    public override void Truncate(int length)
    {
        Length = length;
        if (length == 0) _lowest = 0;
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
        var first = Length;
        while (Length < length)
        {
            Append(1);
            for (var head = 0; head < _heads; head++)
            {
                FloatStream.Read(stream, row);
                fixed (float* at = row) Put(head, Length - 1, at, at + _headDim);
            }
        }
        _lowest = first;
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing) return;
        _keys.Dispose();
        _values.Dispose();
    }

    private static int Blocks(int positions) => (int)(((long)positions + Attention.Block - 1) / Attention.Block);

    private int FirstSaved(int length) => _window is { } window ? Math.Max(0, length - window) : 0;

    private void Reserve(int blocks)
    {
        if (blocks <= _blocks) return;
        var (keys, values, held) = (_keys, _values, _blocks);
        _blocks = Math.Min(_mostBlocks, Math.Max(blocks, Math.Max(FirstBlocks, 2 * held)));
        _keys = NativeBuffer.OfFloats((long)_heads * _blocks * Attention.Block * _headDim);
        _values = NativeBuffer.OfFloats((long)_heads * _blocks * Attention.Block * ValueStride);
        CopyBlocks(keys.Floats, values.Floats, held, held);
        keys.Dispose();
        values.Dispose();
    }

    /// <summary>The first <paramref name="blocks"/> blocks of every head, from where each head has <paramref name="stride"/>.</summary>
    private void CopyBlocks(float* keys, float* values, int stride, int blocks)
    {
        long keyBlock = Attention.Block * _headDim, valueBlock = Attention.Block * ValueStride;
        for (var head = 0; head < _heads; head++)
        {
            Copy(keys + head * stride * keyBlock, Keys(head), blocks * keyBlock);
            Copy(values + head * stride * valueBlock, Values(head), blocks * valueBlock);
        }

        static void Copy(float* from, float* to, long count) => Buffer.MemoryCopy(from, to, count * sizeof(float), count * sizeof(float));
    }

    private void Place(int head, int position, out float* keys, out float* values)
    {
        var (block, lane) = Math.DivRem(position, Attention.Block);
        var slot = block % _mostBlocks;
        keys = Keys(head) + (long)slot * _headDim * Attention.Block + lane;
        values = Values(head) + ((long)slot * Attention.Block + lane) * ValueStride;
    }
}
