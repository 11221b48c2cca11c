namespace Dolmen.Checkpoints;

/// <summary>A decoder-only language model: everything asked of its configuration follows from its <see cref="Plan"/>.</summary>
public abstract record DecoderConfig : ModelConfig
{
    /// <summary>The model layer by layer. Made anew at every call: keep what you use often.</summary>
    public abstract DecoderPlan Plan();

    public override string Describe()
    {
        var blocks = Plan().Blocks;
        List<string> parts = [Counted(blocks.Select(block => block.Mixer.Name))];
        if (blocks.Any(block => block.FeedForward is not null))
            parts.Add(Counted(blocks.Select(block => block.FeedForward?.Name).OfType<string>()));
        return $"a decoder of {blocks.Count} {(blocks.Count == 1 ? "layer" : "layers")} ({string.Join("; ", parts)})";
    }

    private static string Counted(IEnumerable<string> names) =>
        string.Join(", ", names.GroupBy(name => name, StringComparer.Ordinal).Select(same => $"{same.Count()} {same.Key}"));

    public override IReadOnlyList<TensorShape> Tensors() => Plan().Tensors();

    public override long ActiveParameters => Parameters - Plan().Blocks.Sum(block =>
        block.FeedForward is { } part ? part.Tensors().Sum(tensor => tensor.Elements) - part.ActiveParameters : 0);

    public override double ForwardFlopsPerToken(int contextLength)
    {
        var plan = Plan();
        return 2.0 * VocabSize * plan.DModel + plan.Blocks.Sum(block =>
            block.Mixer.ForwardFlopsPerToken(contextLength) + (block.FeedForward?.ForwardFlopsPerToken ?? 0));
    }

    public override long StateBytes(int tokens, int bytesPerValue) => bytesPerValue * Plan().Blocks.Sum(block =>
        block.Mixer.StateValuesPerSequence + block.Mixer.StateValuesPerToken * block.Mixer.StateTokens(tokens));
}
