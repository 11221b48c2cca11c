using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>Complex numbers as two real tensors: one code for every device and precision, and real parameters' gradients as they
/// are.</summary>
internal readonly record struct ComplexPair(Tensor Re, Tensor Im)
{
    /// <summary>(…, 2), real and imaginary part last.</summary>
    public static ComplexPair Of(Tensor pairs) => new(pairs.select(-1, 0), pairs.select(-1, 1));

    public Tensor Stack() => stack([Re, Im], -1);

    public Tensor SquaredModulus() => Re * Re + Im * Im;

    public ComplexPair Conjugate() => new(Re, -Im);

    public ComplexPair Inverse()
    {
        var modulus = SquaredModulus();
        return new(Re / modulus, -Im / modulus);
    }

    public static ComplexPair operator *(ComplexPair a, ComplexPair b) => new(a.Re * b.Re - a.Im * b.Im, a.Re * b.Im + a.Im * b.Re);

    public static ComplexPair operator *(ComplexPair a, Tensor real) => new(a.Re * real, a.Im * real);
}
