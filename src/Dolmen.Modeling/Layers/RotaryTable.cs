// T positions, E head dim
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>Cosines and sines of every position, (T, 2, E/2) fp32: angle(t, i) = t·frequency(i) (Su et al. 2021).</summary>
public sealed class RotaryTable : IDisposable
{
    public RotaryTable(int contextLength, int headDim, double theta)
        : this(contextLength, headDim, new Checkpoints.RotaryPosition(theta).Frequencies(headDim)) { }

    /// <param name="magnitude">Cosine and sine are multiplied by it.</param>
    public RotaryTable(int contextLength, int headDim, double[] frequencies, double magnitude = 1)
    {
        var half = headDim / 2;
        var values = new float[checked(contextLength * headDim)];
        for (var t = 0; t < contextLength; t++)
        {
            for (var i = 0; i < half; i++)
            {
                var (sin, cos) = Math.SinCos(t * frequencies[i]);
                values[t * headDim + i] = (float)(magnitude * cos);
                values[t * headDim + half + i] = (float)(magnitude * sin);
            }
        }
        CosSin = tensor(values, [contextLength, 2, half]).DetachFromDisposeScope();
    }

    public Tensor CosSin { get; }

    public int ContextLength => (int)CosSin.shape[0];

    public void Dispose() => CosSin.Dispose();
}
