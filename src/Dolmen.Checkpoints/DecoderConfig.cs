using System.Text;
using System.Text.Json.Serialization;

namespace Dolmen.Checkpoints;

/// <summary>A decoder: everything asked of its configuration follows from its <see cref="Plan"/>.</summary>
public abstract record DecoderConfig : ModelConfig
{
    /// <summary>What the model says of a text; null says its next token, as a language model does.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public HeadConfig? Head { get; init; }

    /// <summary>The model layer by layer. Made anew at every call: keep what you use often.</summary>
    public DecoderPlan Plan()
    {
        var plan = LanguagePlan();
        return Head is null ? plan : plan with { Head = Head.Spec(plan.DModel) };
    }

    public sealed override string Describe()
    {
        var plan = Plan();
        var blocks = plan.Blocks;
        List<string> parts = [Counted(blocks.Select(block => block.Mixer.Name))];
        if (blocks.Any(block => block.FeedForward is not null))
            parts.Add(Counted(blocks.Select(block => block.FeedForward?.Name).OfType<string>()));
        if (plan.Ngrams is { Count: > 0 } tables)
            parts.Add("hashed tables of " + string.Join(" and ", tables.Select(table => $"{table.Rows} {table.Order}-grams")));
        if (plan.Continuations is { Count: > 0 } continuations)
            parts.Add($"continuations of matches of up to {continuations.Max(continuation => continuation.MaxMatch)} tokens");
        return $"a decoder of {blocks.Count} {(blocks.Count == 1 ? "layer" : "layers")} ({string.Join("; ", parts)})";
    }

    private static string Counted(IEnumerable<string> names) =>
        string.Join(", ", names.GroupBy(name => name, StringComparer.Ordinal).Select(same => $"{same.Count()} {same.Key}"));

    public sealed override IReadOnlyList<TensorShape> Tensors() => Plan().Tensors();

    public sealed override IReadOnlyList<string> Problems() => [.. BodyProblems(), .. Head?.Problems() ?? []];

    public sealed override long ActiveParameters
    {
        get
        {
            var plan = Plan();
            // Of an n-gram table a token meets one row; of the gains those of one length.
            var unmet = (plan.Ngrams?.Sum(table => (table.Rows - 1L) * table.Size) ?? 0)
                + (plan.Continuations?.Sum(one => (one.MaxMatch - 1L) * (one.Ahead + 1) * one.Size) ?? 0);
            return Parameters - unmet - plan.Blocks.Sum(block =>
                block.FeedForward is { } part ? part.Tensors().Sum(tensor => tensor.Elements) - part.ActiveParameters : 0);
        }
    }

    public sealed override double ForwardFlopsPerToken(int contextLength)
    {
        var plan = Plan();
        return plan.Head.ForwardFlops + plan.Blocks.Sum(block =>
            block.Mixer.ForwardFlopsPerToken(contextLength) + (block.FeedForward?.ForwardFlopsPerToken ?? 0));
    }

    public sealed override long StateBytes(int tokens, int bytesPerValue)
    {
        var plan = Plan();
        // The last tokens themselves, whole numbers whatever the type of the others.
        var remembered = plan.BytesRememberedPerToken * (long)tokens;
        return remembered + bytesPerValue * plan.Blocks.Sum(block =>
            block.Mixer.StateValuesPerSequence + block.Mixer.StateValuesPerToken * block.Mixer.StateTokens(tokens));
    }

    /// <summary>The plan of the architecture as a language model.</summary>
    protected abstract DecoderPlan LanguagePlan();

    /// <summary><see cref="Problems"/> of everything but the head.</summary>
    protected abstract IReadOnlyList<string> BodyProblems();

    /// <param name="tied">The embedding serves as head.</param>
    protected LanguageHeadSpec LanguageHead(int dModel, bool tied) => new(VocabSize, dModel, tied ? null : "lm_head.weight");

    // A language model prints as it did before there were other heads: checkpoints know their run by this text.
    protected override bool PrintMembers(StringBuilder builder)
    {
        var printed = base.PrintMembers(builder);
        if (Head is null) return printed;
        builder.Append(printed ? ", " : "").Append("Head = ").Append(Head);
        return true;
    }
}
