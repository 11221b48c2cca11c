namespace Dolmen.Numerics;

// N outputs, K inputs, M rows (tokens)

/// <summary>A weight (N, K) kept in memory for y = x·Wᵀ. Every row of the result has the same bits however many rows are computed at once
/// and on however many threads.</summary>
internal abstract unsafe class WeightMatrix(int outputs, int inputs, int paddedOutputs) : IDisposable
{
    public int Outputs => outputs;

    public int Inputs => inputs;

    /// <summary>Floats from one row of the result to the next; those beyond <see cref="Outputs"/> hold zeros.</summary>
    public int PaddedOutputs => paddedOutputs;

    /// <summary>Memory it takes.</summary>
    public abstract long Bytes { get; }

    /// <summary>Takes the rows (row-major, <see cref="Inputs"/> each) of outputs <paramref name="firstOutput"/> onwards.</summary>
    public abstract void SetRows(int firstOutput, ReadOnlySpan<float> rows);

    /// <summary>The weights of one output, (K): the embedding of a token where the head is tied.</summary>
    public abstract void CopyRow(int output, float* destination);

    /// <summary>Y = X·Wᵀ.</summary>
    /// <param name="x">(M, K)</param>
    /// <param name="y">(M, PaddedOutputs)</param>
    /// <param name="scratch">Grows to what the product needs.</param>
    public void Multiply(float* x, int m, float* y, ref NativeBuffer scratch, int threads) =>
        Multiply(x, m, y, PaddedOutputs, ref scratch, threads);

    /// <summary>Y = X·Wᵀ, rows of Y <paramref name="stride"/> apart.</summary>
    /// <inheritdoc cref="Multiply(float*, int, float*, ref NativeBuffer, int)"/>
    public abstract void Multiply(float* x, int m, float* y, long stride, ref NativeBuffer scratch, int threads);

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);

    /// <summary>A buffer of at least so many bytes; what was in it may be lost.</summary>
    protected static byte* Grow(ref NativeBuffer scratch, long bytes)
    {
        if (scratch.Bytes < bytes)
        {
            scratch.Dispose();
            scratch = new NativeBuffer(bytes);
        }
        return scratch.Pointer;
    }
}
