using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

internal static class Sums
{
    // Kept for the life of the process, as in Masking: the operator + makes a scalar at every call and holds no reference to it while
    // libtorch reads it.
    private static readonly Scalar One = 1.ToScalar();

    /// <summary>x + y, broadcast as usual.</summary>
    public static Tensor Plus(this Tensor x, Tensor y) => x.add(y, One);
}
