using Dolmen.Checkpoints;

namespace Dolmen.Benchmarks;

/// <summary>One architecture of the context benchmark, sized to the parameters of the first (the test of the list allows 5 %).</summary>
internal sealed record ContextCase(string Name, ModelConfig Config)
{
    private const int VocabSize = 1024, Width = 128, Longest = 16384 + 64;

    public static IReadOnlyList<int> Lengths { get; } = [256, 512, 1024, 2048, 4096, 8192, 16384];

    public static IReadOnlyList<ContextCase> All { get; } =
    [
        new("transformer", new TransformerConfig(VocabSize, Width, 4, 2, 2, 64, 352, Longest)),
        new("transformer, window 512", new TransformerConfig(VocabSize, Width, 4, 2, 2, 64, 352, Longest, Window: 512)),
        new("mamba", MambaConfig.Of(VocabSize, Width, 7, Longest)),
        new("mamba-2", new Mamba2Config(VocabSize, Width, 7, Longest, 4, 64, 64, TieEmbeddings: true)),
        new("hybrid, 1 attention in 4", new HybridConfig(VocabSize, Width, "2*M Af M 2*M", Longest, 2, 2, 64, 352, 256, 8)),
    ];
}
