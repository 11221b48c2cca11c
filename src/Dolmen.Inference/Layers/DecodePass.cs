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
    public void Multiply(WeightMatrix matrix, float* x, int m, float* y) => matrix.Multiply(x, m, y, ref _packing, threads);

    /// <summary>Chunks that write disjoint outputs, shared out where <paramref name="work"/> (a few operations each) is worth it.</summary>
    public void Run(int chunks, long work, Action<int> body)
    {
        if (chunks == 1) body(0);
        else ThreadTeam.Shared.Run(chunks, work < 1 << 14 ? 1 : threads, body);
    }

    /// <summary>Calls <paramref name="body"/> with every sequence of the pass and every one of <paramref name="blocks"/> blocks of
    /// channels, sequences innermost: what a block reads of the weights serves them all, and long and short sequences mix in every
    /// chunk.</summary>
    public void Run(PassRows rows, int blocks, long work, Action<Piece, int> body)
    {
        var pieces = rows.Pieces;
        var items = pieces.Count * blocks;
        var chunks = Math.Min(items, 4 * threads);
        Run(chunks, work, chunk =>
        {
            var last = (int)((long)items * (chunk + 1) / chunks);
            for (var item = (int)((long)items * chunk / chunks); item < last; item++)
                body(pieces[item % pieces.Count], item / pieces.Count);
        });
    }

    public void Dispose()
    {
        foreach (var buffer in _buffers) buffer?.Dispose();
        _packing.Dispose();
    }
}
