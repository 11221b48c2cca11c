using Dolmen.Checkpoints;

namespace Dolmen.Tests.Inference;

/// <summary>Every activation as its paper or its library writes it, in double precision.</summary>
internal static class PlainActivation
{
    public static double Of(ActivationKind kind, double x) => kind switch
    {
        ActivationKind.Silu => x * Sigmoid(x),
        ActivationKind.GeluTanh => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
        ActivationKind.Gelu => 0.5 * x * (1 + Erf(x / Math.Sqrt(2))),
        ActivationKind.GeluClipped => Math.Clamp(0.5 * x * (1 + Erf(x / Math.Sqrt(2))), -10, 10),
        ActivationKind.QuickGelu => x * Sigmoid(1.702 * x),
        ActivationKind.Relu => Math.Max(0, x),
        ActivationKind.Relu6 => Math.Clamp(x, 0, 6),
        ActivationKind.ReluSquared => Math.Max(0, x) * Math.Max(0, x),
        ActivationKind.LeakyRelu => x < 0 ? 0.01 * x : x,
        ActivationKind.Sigmoid => Sigmoid(x),
        ActivationKind.Tanh => Math.Tanh(x),
        ActivationKind.Mish => x * Math.Tanh(Math.Log(1 + Math.Exp(x))),
        ActivationKind.Laplace => 0.5 * (1 + Erf((x - 0.707107) / (0.282095 * Math.Sqrt(2)))),
        ActivationKind.Identity => x,
        _ => throw new NotSupportedException(kind.ToString()),
    };

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    /// <summary>The Maclaurin series up to 3; beyond that the continued fraction of erfc.</summary>
    private static double Erf(double x)
    {
        if (Math.Abs(x) < 3)
        {
            double sum = x, term = x;
            for (var n = 1; n < 200; n++)
            {
                term *= -x * x / n;
                sum += term / (2 * n + 1);
            }
            return 2 / Math.Sqrt(Math.PI) * sum;
        }
        var fraction = 0.0;
        var z = Math.Abs(x);
        for (var n = 60; n >= 1; n--) fraction = n / 2.0 / (z + fraction);
        return Math.Sign(x) * (1 - Math.Exp(-z * z) / Math.Sqrt(Math.PI) / (z + fraction));
    }
}
