namespace Dolmen.Checkpoints;

/// <summary>The function between the two halves of a feed-forward. Names are permanent once released.</summary>
public enum ActivationKind
{
    Silu, GeluTanh, Gelu, GeluClipped, QuickGelu, Relu, Relu6, ReluSquared, LeakyRelu, Sigmoid, Tanh, Mish, Laplace, Identity,
}

/// <summary>What Hugging Face calls each activation. Several names stand for the same function; the first is the one we write.</summary>
public static class ActivationNames
{
    private static readonly (ActivationKind Kind, string[] Names)[] Table =
    [
        (ActivationKind.Silu, ["silu", "swish"]),
        (ActivationKind.GeluTanh, ["gelu_new", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_accurate", "gelu_fast"]),
        (ActivationKind.Gelu, ["gelu", "gelu_python"]),
        (ActivationKind.GeluClipped, ["gelu_10"]),
        (ActivationKind.QuickGelu, ["quick_gelu"]),
        (ActivationKind.Relu, ["relu"]),
        (ActivationKind.Relu6, ["relu6"]),
        (ActivationKind.ReluSquared, ["relu2"]),
        (ActivationKind.LeakyRelu, ["leaky_relu"]),
        (ActivationKind.Sigmoid, ["sigmoid"]),
        (ActivationKind.Tanh, ["tanh"]),
        (ActivationKind.Mish, ["mish"]),
        (ActivationKind.Laplace, ["laplace"]),
        (ActivationKind.Identity, ["linear"]),
    ];

    /// <summary>Every name that is understood.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Table.SelectMany(entry => entry.Names)];

    /// <summary>Null where the name is not known.</summary>
    public static ActivationKind? Find(string name)
    {
        foreach (var (kind, names) in Table) if (names.Contains(name, StringComparer.Ordinal)) return kind;
        return null;
    }

    public static string Of(ActivationKind kind) => Array.Find(Table, entry => entry.Kind == kind).Names[0];
}
