using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

internal static class Masking
{
    // Kept for the life of the process. TorchSharp makes a scalar of a number on the way into masked_fill and holds no reference to it
    // during the call: collected at that moment, it is freed while libtorch still reads it.
    private static readonly Scalar Never = double.NegativeInfinity.ToScalar();

    /// <summary>Minus infinity where <paramref name="hidden"/> is true: no share of a softmax, and 0 under exp.</summary>
    public static Tensor Hide(this Tensor x, Tensor hidden) => x.masked_fill(hidden, Never);
}
