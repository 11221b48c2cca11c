namespace Dolmen.Numerics;

// N outputs, K inputs, M rows (tokens)

/// <summary>A weight (N, K) whose outputs are kept in several ways, part after part.</summary>
internal sealed unsafe class MatrixParts : WeightMatrix
{
    private readonly WeightMatrix[] _parts;
    private readonly int[] _first;                                       // output of each part

    private MatrixParts(WeightMatrix[] parts, int[] first, int padded) : base(parts.Sum(part => part.Outputs), parts[0].Inputs, padded) =>
        (_parts, _first) = (parts, first);

    public override long Bytes => _parts.Sum(part => part.Bytes);

    public static MatrixParts Of(params WeightMatrix[] parts)
    {
        var first = new int[parts.Length];
        for (var i = 1; i < parts.Length; i++) first[i] = first[i - 1] + parts[i - 1].Outputs;
        // A part may write its own padding past its last output.
        return new MatrixParts(parts, first, parts.Zip(first, (part, at) => at + part.PaddedOutputs).Max());
    }

    public override void SetRows(int firstOutput, ReadOnlySpan<float> rows)
    {
        var part = PartOf(firstOutput);
        _parts[part].SetRows(firstOutput - _first[part], rows);
    }

    public override void CopyRow(int output, float* destination)
    {
        var part = PartOf(output);
        _parts[part].CopyRow(output - _first[part], destination);
    }

    public override void Multiply(float* x, int m, float* y, long stride, ref NativeBuffer scratch, int threads)
    {
        // In order: each overwrites what the one before wrote past its outputs.
        for (var i = 0; i < _parts.Length; i++) _parts[i].Multiply(x, m, y + _first[i], stride, ref scratch, threads);
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        foreach (var part in _parts) part.Dispose();
    }

    private int PartOf(int output) => Array.FindLastIndex(_first, at => at <= output);
}
