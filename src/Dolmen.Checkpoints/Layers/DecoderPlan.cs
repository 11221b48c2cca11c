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
/// <param name="StatesFromFirstBlock">Upstream's <c>hidden_states</c> begin after the first block and end with the last block's and the
/// normed stream, as transformers has it for Mamba; otherwise they begin with the embedding, and the last block's only shows
/// normed.</param>
/// <param name="Positions">Learned positions added to the embedding, (ContextLength, DModel).</param>
/// <param name="Head">What becomes of the last hidden states.</param>
/// <param name="Ngrams">Tables whose rows are added to the embedding; null adds nothing.</param>
/// <param name="Continuations">What is added of earlier occurrences in the text; null adds nothing.</param>
public sealed record DecoderPlan(
    int VocabSize, int DModel, string Embedding, IReadOnlyList<BlockSpec> Blocks, NormSpec FinalNorm, HeadSpec Head,
    TensorShape? Positions = null, bool StatesFromFirstBlock = false, IReadOnlyList<NgramTableSpec>? Ngrams = null,
    IReadOnlyList<ContinuationSpec>? Continuations = null)
{
    /// <summary>Whether what is added to an embedding depends on the tokens before it, so that a state has to remember them.</summary>
    public bool ReadsTokensBefore => Ngrams is { Count: > 0 } || ReadsMatches;

    /// <summary>Whether the matches of those tokens are remembered too.</summary>
    public bool ReadsMatches => Continuations is { Count: > 0 };

    /// <summary>Of the tokens themselves and their matches.</summary>
    public int BytesRememberedPerToken => !ReadsTokensBefore ? 0 : ReadsMatches ? 3 * sizeof(int) : sizeof(int);

    public IReadOnlyList<TensorShape> Tensors()
    {
        List<TensorShape> tensors = [new(Embedding, [VocabSize, DModel])];
        if (Positions is not null) tensors.Add(Positions);
        tensors.AddRange(Ngrams?.Select(table => table.Tensor) ?? []);
        tensors.AddRange(Continuations?.Select(continuation => continuation.Tensor) ?? []);
        foreach (var block in Blocks) tensors.AddRange(block.Tensors());
        tensors.AddRange(FinalNorm.Tensors());
        tensors.AddRange(Head.Tensors());
        return tensors;
    }
}
