using Dolmen.Checkpoints;

namespace Dolmen.Benchmarks;

/// <summary>One architecture of the context benchmark, sized to the parameters of the first (a test allows 4 %).</summary>
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
        new("s4", new S4Config(VocabSize, Width, 4, Longest, 352)),
        new("s4d", new S4Config(VocabSize, Width, 4, Longest, 368, 64, StateSpaceStart.DiagonalLin, Discretization.ZeroOrderHold)),
        new("h3", new H3Config(VocabSize, Width, 4, Longest, 256)),
        new("seq2seq with attention", new Seq2SeqConfig(VocabSize, 168, Width, 84, 1, Longest, ShareEmbeddings: true)),
        new("hybrid, 1 attention in 6", new HybridConfig(VocabSize, Width, "2*M Af 3*M", Longest, 2, 2, 64, 352, 256, 8)),
    ];
}
