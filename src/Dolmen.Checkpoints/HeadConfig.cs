using System.Text.Json.Serialization;

namespace Dolmen.Checkpoints;

/// <summary>What a decoder is to say of a text instead of its next token. Tensors are named as transformers names those of its classes
/// "…ForSequenceClassification". Discriminators are permanent once released.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(ScalarHead), "scalar")]
[JsonDerivedType(typeof(ClassHead), "classes")]
public abstract record HeadConfig
{
    /// <summary>The projection of the last hidden states, without a bias.</summary>
    public const string Weight = "score.weight";

    internal abstract HeadSpec Spec(int dModel);

    /// <summary>All that is wrong with it, each saying value, rule and way out.</summary>
    internal virtual IEnumerable<string> Problems() => [];
}

/// <summary>One number: a reward, a value.</summary>
public sealed record ScalarHead : HeadConfig
{
    internal override HeadSpec Spec(int dModel) => new ScalarHeadSpec(new LinearSpec(Weight, 1, dModel));
}

/// <summary>One of several classes.</summary>
/// <param name="Labels">A name for each class.</param>
public sealed record ClassHead(IReadOnlyList<string> Labels, Pooling Pooling = Pooling.Last) : HeadConfig
{
    private const int MostLabels = 1 << 20;

    /// <summary>Classes named as transformers names them: LABEL_0, LABEL_1, …</summary>
    public static ClassHead Of(int classes, Pooling pooling = Pooling.Last) =>
        new([.. Enumerable.Range(0, classes).Select(i => $"LABEL_{i}")], pooling);

    public bool Equals(ClassHead? other) => other is not null && Pooling == other.Pooling && Labels.SequenceEqual(other.Labels);

    public override int GetHashCode() => HashCode.Combine(Pooling, Labels.Count);

    internal override HeadSpec Spec(int dModel) => new ClassHeadSpec(new LinearSpec(Weight, Labels.Count, dModel), Pooling);

    internal override IEnumerable<string> Problems()
    {
        if (Labels.Count is < 2 or > MostLabels)
            yield return $"model.head has {Labels.Count} labels: it must have between 2 and {MostLabels}. One number is a scalar head.";
        if (Labels.GroupBy(label => label, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            yield return $"model.head has the label '{twice.Key}' twice: each class needs a name of its own.";
    }
}
