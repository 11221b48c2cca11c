using Dolmen.Inference.Kernels;

namespace Dolmen.Inference.Layers;

/// <summary>Places of a pass's scratch memory. A mixer or a feed-forward may use those from <see cref="Wide"/> on as it likes.</summary>
internal enum Scratch { Stream, Normed, Output, Logits, Wide, Narrow, Third, Fourth, Fifth, Scores }

/// <summary>What a pass needs besides weights and state: scratch memory that is kept, and the threads.</summary>
internal sealed unsafe class DecodePass(int threads) : IDisposable
{
    // What a kernel may read past the end of a row of the last row: one vector.
    private const int Slack = 16;

    private readonly NativeBuffer?[] _buffers = new NativeBuffer?[Enum.GetValues<Scratch>().Length];
    private NativeBuffer _packing = NativeBuffer.OfFloats(0);

    public int Threads => threads;

    /// <summary>Tokens the sequence holds at the end of the call that is under way, which some rotary scalings look at. A long prompt runs
    /// in several passes of one call.</summary>
    public int SequenceLength { get; set; }

    /// <summary>Room for at least so many floats. What is in it stays until more is asked for.</summary>
    public float* Floats(Scratch place, long count)
    {
        ref var buffer = ref _buffers[(int)place];
        if (buffer is null || buffer.Bytes < (count + Slack) * sizeof(float))
        {
            buffer?.Dispose();
            buffer = NativeBuffer.OfFloats(count + Slack);
        }
        return buffer.Floats;
    }

    /// <summary>Y = X·Wᵀ, (M, K) to (M, PaddedOutputs).</summary>
    public void Multiply(PackedMatrix matrix, float* x, int m, float* y) => matrix.Multiply(x, m, y, ref _packing, threads);

    /// <summary>Chunks that write disjoint outputs, shared out where <paramref name="work"/> (a few operations each) is worth it.</summary>
    public void Run(int chunks, long work, Action<int> body)
    {
        if (chunks == 1) body(0);
        else ThreadTeam.Shared.Run(chunks, work < 1 << 14 ? 1 : threads, body);
    }

    public void Dispose()
    {
        foreach (var buffer in _buffers) buffer?.Dispose();
        _packing.Dispose();
    }
}
