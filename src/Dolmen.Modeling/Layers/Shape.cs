using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

public static class Shape
{
    /// <exception cref="ArgumentException">The tensor has another shape; the message names both.</exception>
    public static void Check(string name, Tensor tensor, params ReadOnlySpan<long> expected)
    {
        if (!expected.SequenceEqual(tensor.shape))
            throw new ArgumentException(
                $"{name} is ({string.Join(", ", tensor.shape)}), expected ({string.Join(", ", expected.ToArray())}).",
                name
            );
    }
}
