using Dolmen.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Modeling.Layers;

/// <summary>Each activation by libtorch's operations, which know their gradients.</summary>
internal static class Activations
{
    /// <summary>f(x), elementwise.</summary>
    public static Tensor Apply(ActivationKind kind, Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = kind switch
        {
            ActivationKind.Silu => functional.silu(x),
            ActivationKind.GeluTanh => functional.gelu(x, TorchSharp.Modules.GELU.Approximate.tanh),
            ActivationKind.Gelu => functional.gelu(x),
            ActivationKind.GeluClipped => functional.gelu(x).clamp(-10, 10),
            ActivationKind.QuickGelu => x * (x * 1.702).sigmoid(),
            ActivationKind.Relu => functional.relu(x),
            ActivationKind.Relu6 => functional.relu6(x),
            ActivationKind.ReluSquared => functional.relu(x).square(),
            ActivationKind.LeakyRelu => functional.leaky_relu(x, 0.01),
            ActivationKind.Sigmoid => x.sigmoid(),
            ActivationKind.Tanh => x.tanh(),
            ActivationKind.Mish => functional.mish(x),
            // ½·(1 + erf((x − µ)/(σ·√2))) with the constants that transformers has.
            ActivationKind.Laplace => ((x - 0.707107) / (0.282095 * Math.Sqrt(2))).erf().add(1) * 0.5,
            ActivationKind.Identity => x.alias(),
            _ => throw new NotSupportedException($"{kind} cannot be trained."),
        };
        return y.MoveToOuterDisposeScope();
    }
}
