namespace Dolmen.Numerics;

/// <summary>A weight kept as codes in panels of <see cref="Columns"/> outputs, multiplied by inputs that are rounded to eight bits by
/// blocks.</summary>
internal abstract unsafe class CodedMatrix(int outputs, int inputs)
    : WeightMatrix(outputs, inputs, (outputs + Columns - 1) / Columns * Columns)
{
    public const int Block = 32, Columns = 16;

    /// <summary>Multiply-adds below which a second thread costs more than it brings.</summary>
    private const long MinSharedWork = 1 << 17;

    public sealed override void Multiply(float* x, int m, float* y, long stride, ref NativeBuffer scratch, int threads)
    {
        var rowBytes = (long)((Inputs + Block - 1) / Block) * BlockKernels.InputBytes;
        var rounded = Grow(ref scratch, m * rowBytes);
        var shared = (long)m * PaddedOutputs * Inputs < 2 * MinSharedWork ? 1 : threads;
        ThreadTeam.Shared.Run(m, m < 8 ? 1 : shared, row => BlockKernels.Round(x + (long)row * Inputs, Inputs, rounded + row * rowBytes));
        var panels = PaddedOutputs / Columns;
        // Little to share out while decoding, yet enough to even out a late start.
        var chunks = Math.Min(panels, 4 * shared);
        ThreadTeam.Shared.Run(chunks, shared, chunk =>
        {
            var last = (int)((long)panels * (chunk + 1) / chunks);
            for (var panel = (int)((long)panels * chunk / chunks); panel < last; panel++)
                MultiplyPanel(panel, rounded, m, y + (long)panel * Columns, stride);
        });
    }

    /// <param name="rounded">M rows of blocks of inputs.</param>
    /// <param name="y">(M, Columns), rows <paramref name="stride"/> apart.</param>
    private protected abstract void MultiplyPanel(int panel, byte* rounded, int m, float* y, long stride);
}
