using Dolmen.Checkpoints;

namespace Dolmen.Benchmarks;

/// <summary>The transformers that speeds are stated for, at context 256.</summary>
internal static class ModelSizes
{
    public const int Context = 256;

    public static IReadOnlyList<(string Name, TransformerConfig Config)> All { get; } =
    [
        ("1M", new(4096, 128, 4, 2, 2, 64, 352, Context)),
        ("10M", new(8192, 256, 10, 4, 4, 64, 704, Context)),
        ("30M", new(8192, 512, 8, 8, 8, 64, 1408, Context)),
    ];

    /// <summary>Further architectures of about a million parameters.</summary>
    public static IReadOnlyList<(string Name, DecoderConfig Config)> StateSpace { get; } =
    [
        ("mamba 1M", MambaConfig.Of(4096, 128, 7, Context)),
        ("mamba-2 1M", new Mamba2Config(4096, 128, 7, Context, 4, 64, 64, TieEmbeddings: true)),
        ("hybrid 1M", new HybridConfig(4096, 128, "2*M Af 3*M", Context, 2, 2, 64, 352, 256, 8)),
    ];
}
