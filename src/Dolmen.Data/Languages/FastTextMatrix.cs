using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Dolmen.Data.Languages;

/// <summary>Rows of floats, padded with zeros to whole vectors. A product-quantised matrix is unpacked when it is read: a row is then one
/// or a few vector loads instead of a look-up for every two numbers (lid.176.ftz takes 3 MB so).</summary>
internal sealed class FastTextMatrix
{
    private const long MaxFloats = 1L << 28;
    private const int Centroids = 256;
    private readonly float[] _values;

    public int Rows { get; }
    public int Stride { get; }

    private FastTextMatrix(int rows, int columns)
    {
        (Rows, Stride) = (rows, Padded(columns));
        _values = new float[(long)rows * Stride];
    }

    public static int Padded(int columns) => (columns + Vector512<float>.Count - 1) / Vector512<float>.Count * Vector512<float>.Count;

    public static FastTextMatrix Read(FastTextReader reader, bool quantised, long rows, int columns, string what)
    {
        var norms = quantised && reader.Flag($"the norm flag of the {what} matrix");
        var actual = (reader.Long($"the row count of the {what} matrix"), reader.Long($"the column count of the {what} matrix"));
        if (actual != (rows, columns))
            throw reader.Broken(
                $"the {what} matrix is {actual.Item1} by {actual.Item2}, which must be {rows} by {columns} for its dictionary and dimension"
            );
        if (rows * Padded(columns) > MaxFloats)
            throw reader.Broken($"the {what} matrix has {rows:N0} rows of {columns}: more than {MaxFloats >> 18} MB unpacked");
        if (!quantised)
        {
            var weights = $"the weights of the {what} matrix";
            reader.Demand(rows * columns * sizeof(float), weights);
            var dense = new FastTextMatrix((int)rows, columns);
            for (var i = 0; i < rows; i++) reader.Floats(dense.Row(i)[..columns], weights);
            return dense;
        }

        var codeCount = reader.Int($"the code count of the {what} matrix", 0, int.MaxValue);
        var codes = reader.Bytes(codeCount, $"the codes of the {what} matrix");
        var (parts, width, last, centroids) = Quantiser(reader, columns, what);
        if (codeCount != rows * parts) throw reader.Broken($"the {what} matrix has {codeCount} codes, which must be {rows} times {parts}");
        byte[] normCodes = [];
        float[] normValues = [];
        if (norms)
        {
            normCodes = reader.Bytes(rows, $"the norm codes of the {what} matrix");
            normValues = Quantiser(reader, 1, $"norms of the {what}").Centroids;
        }

        var matrix = new FastTextMatrix((int)rows, columns);
        for (var i = 0; i < rows; i++)
        {
            var row = matrix.Row(i);
            var norm = norms ? normValues[normCodes[i]] : 1;
            for (var part = 0; part < parts; part++)
            {
                var size = part == parts - 1 ? last : width;
                var from = centroids.AsSpan(part * Centroids * width + codes[i * (long)parts + part] * size, size);
                for (var j = 0; j < size; j++) row[part * width + j] = norm * from[j];
            }
        }
        return matrix;
    }

    /// <summary>The mean of the rows, added up in their order as fastText does.</summary>
    public void Average(ReadOnlySpan<int> rows, Span<float> mean)
    {
        ref var values = ref MemoryMarshal.GetArrayDataReference(_values);
        var scale = (float)(1.0 / rows.Length);
        if (Stride == Vector512<float>.Count)
        {
            var sum = Vector512<float>.Zero;
            foreach (var row in rows) sum += Vector512.LoadUnsafe(ref values, (nuint)row * (nuint)Vector512<float>.Count);
            (sum * scale).CopyTo(mean);
            return;
        }
        mean.Clear();
        ref var target = ref MemoryMarshal.GetReference(mean);
        foreach (var row in rows)
        {
            ref var source = ref Unsafe.Add(ref values, (nint)row * Stride);
            for (nuint j = 0; j < (nuint)Stride; j += (nuint)Vector512<float>.Count)
                (Vector512.LoadUnsafe(ref target, j) + Vector512.LoadUnsafe(ref source, j)).StoreUnsafe(ref target, j);
        }
        for (var j = 0; j < mean.Length; j++) mean[j] *= scale;
    }

    public float Dot(int row, ReadOnlySpan<float> other)
    {
        ref var left = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_values), (nint)row * Stride);
        ref var right = ref MemoryMarshal.GetReference(other);
        var sum = Vector512<float>.Zero;
        for (nuint j = 0; j < (nuint)Stride; j += (nuint)Vector512<float>.Count)
            sum += Vector512.LoadUnsafe(ref left, j) * Vector512.LoadUnsafe(ref right, j);
        return Vector512.Sum(sum);
    }

    private Span<float> Row(int row) => _values.AsSpan((int)((long)row * Stride), Stride);

    private static (int Parts, int Width, int Last, float[] Centroids) Quantiser(FastTextReader reader, int columns, string what)
    {
        var name = $"the quantiser of the {what} matrix";
        var dimension = reader.Int($"the dimension of {name}", columns, columns);
        var parts = reader.Int($"the number of parts of {name}", 1, dimension);
        var width = reader.Int($"the part width of {name}", 1, dimension);
        var last = reader.Int($"the last part's width of {name}", 1, width);
        if ((long)(parts - 1) * width + last != dimension)
            throw reader.Broken($"{name} has {parts} parts of {width}, the last of {last}, which must add up to {dimension}");
        return (parts, width, last, reader.Floats((long)dimension * Centroids, $"the centroids of {name}"));
    }
}
