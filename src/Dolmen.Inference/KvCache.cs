using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;

namespace Dolmen.Inference;

// T positions, E head dim

/// <summary>Keys and values of every layer and key-value head. Keys lie in blocks of (E, 16 positions), values as (T, E rounded up to 16):
/// what <see cref="Attention"/> reads front to back. Memory is taken as positions fill.</summary>
public sealed unsafe class KvCache : DecodeState, IDisposable
{
    private readonly NativeBuffer _keys;
    private readonly NativeBuffer _values;
    private readonly int _layers;
    private readonly int _heads;
    private readonly int _headDim;

    internal KvCache(TransformerConfig config, int capacity)
        : this(config.Layers, config.KvHeads, config.HeadDim, capacity) { }

    private KvCache(int layers, int heads, int headDim, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        (_layers, _heads, _headDim) = (layers, heads, headDim);
        Capacity = capacity;
        PaddedCapacity = (capacity + Attention.Block - 1) / Attention.Block * Attention.Block;
        ValueStride = (headDim + 15) / 16 * 16;
        _keys = NativeBuffer.OfFloats((long)layers * heads * PaddedCapacity * headDim);
        _values = NativeBuffer.OfFloats((long)layers * heads * PaddedCapacity * ValueStride);
    }

    public override int Capacity { get; }

    public override long Bytes => _keys.Bytes + _values.Bytes;

    internal int PaddedCapacity { get; }

    internal int ValueStride { get; }

    internal float* Keys(int layer, int head) => _keys.Floats + ((long)layer * _heads + head) * PaddedCapacity * _headDim;

    internal float* Values(int layer, int head) => _values.Floats + ((long)layer * _heads + head) * PaddedCapacity * ValueStride;

    internal void Put(int layer, int head, int position, float* key, float* value)
    {
        var (block, lane) = Math.DivRem(position, Attention.Block);
        var keys = Keys(layer, head) + (long)block * _headDim * Attention.Block + lane;
        for (var e = 0; e < _headDim; e++) keys[e * Attention.Block] = key[e];
        new ReadOnlySpan<float>(value, _headDim).CopyTo(new Span<float>(Values(layer, head) + (long)position * ValueStride, _headDim));
    }

    public override DecodeState Fork()
    {
        var copy = new KvCache(_layers, _heads, _headDim, Capacity) { Length = Length };
        var used = (Length + Attention.Block - 1) / Attention.Block * Attention.Block;
        for (var layer = 0; layer < _layers; layer++)
        {
            for (var head = 0; head < _heads; head++)
            {
                Copy(Keys(layer, head), copy.Keys(layer, head), (long)used * _headDim);
                Copy(Values(layer, head), copy.Values(layer, head), (long)used * ValueStride);
            }
        }
        return copy;

        static void Copy(float* from, float* to, long count) => Buffer.MemoryCopy(from, to, count * sizeof(float), count * sizeof(float));
    }

    public override void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Length = length;
    }

    public void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
    }
}
