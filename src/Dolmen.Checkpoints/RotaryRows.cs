namespace Dolmen.Checkpoints;

/// <summary>Rotary positions turn pairs of rows of the query and key projections. Hugging Face pairs row i of a head with row i + E/2;
/// llama.cpp's Llama and llama2.c pair neighbours. The same model, its rows in another order.</summary>
internal static class RotaryRows
{
    /// <summary>(H·E, C) or (H·E) with pairs half a head apart to pairs of neighbours.</summary>
    public static float[] ToNeighbours(ReadOnlySpan<float> rows, int heads, int headDim)
    {
        var reordered = new float[rows.Length];
        var columns = rows.Length / (heads * headDim);
        for (var row = 0; row < heads * headDim; row++)
            rows.Slice(Halved(row, headDim) * columns, columns).CopyTo(reordered.AsSpan(row * columns));
        return reordered;
    }

    /// <summary>The way back.</summary>
    /// <typeparam name="T">A float, or a byte of rows as a file stores them: rows stay whole.</typeparam>
    public static T[] ToHalves<T>(ReadOnlySpan<T> rows, int heads, int headDim)
    {
        var reordered = new T[rows.Length];
        var columns = rows.Length / (heads * headDim);
        for (var row = 0; row < heads * headDim; row++)
            rows.Slice(row * columns, columns).CopyTo(reordered.AsSpan(Halved(row, headDim) * columns));
        return reordered;
    }

    /// <summary>Where the row that is the n-th of neighbours lies among halves.</summary>
    private static int Halved(int row, int headDim)
    {
        var (head, within) = (row / headDim, row % headDim);
        return head * headDim + within % 2 * (headDim / 2) + within / 2;
    }
}
