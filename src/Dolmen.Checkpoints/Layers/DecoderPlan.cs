namespace Dolmen.Checkpoints;

/// <summary>x ← x + mixer(norm(x)), then x ← x + feedForward(norm(x)) where the block has one.</summary>
public sealed record BlockSpec(NormSpec MixerNorm, MixerSpec Mixer, NormSpec? FeedForwardNorm = null, FeedForwardSpec? FeedForward = null)
{
    public IEnumerable<TensorShape> Tensors() =>
        [.. MixerNorm.Tensors(), .. Mixer.Tensors(), .. FeedForwardNorm?.Tensors() ?? [], .. FeedForward?.Tensors() ?? []];
}

/// <summary>A decoder-only model layer by layer, with the name of every tensor: what both engines build from. An architecture is a record
/// that makes one of these.</summary>
/// <param name="Embedding">(VocabSize, DModel).</param>
/// <param name="Positions">Learned positions added to the embedding, (ContextLength, DModel).</param>
/// <param name="Head">(VocabSize, DModel); null where the embedding serves as head.</param>
public sealed record DecoderPlan(
    int VocabSize, int DModel, string Embedding, IReadOnlyList<BlockSpec> Blocks, NormSpec FinalNorm, string? Head = null,
    TensorShape? Positions = null)
{
    public IReadOnlyList<TensorShape> Tensors()
    {
        List<TensorShape> tensors = [new(Embedding, [VocabSize, DModel])];
        if (Positions is not null) tensors.Add(Positions);
        foreach (var block in Blocks) tensors.AddRange(block.Tensors());
        tensors.AddRange(FinalNorm.Tensors());
        if (Head is not null) tensors.Add(new(Head, [VocabSize, DModel]));
        return tensors;
    }
}
