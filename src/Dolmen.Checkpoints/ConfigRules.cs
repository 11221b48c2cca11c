namespace Dolmen.Checkpoints;

/// <summary>Collects what is wrong with a configuration, in one form of sentence: value, rule, way out.</summary>
internal sealed class ConfigRules
{
    private readonly List<string> _problems = [];

    public IReadOnlyList<string> Problems => _problems;

    /// <summary>Upper bounds lie above every published model; they keep sizes and products within what a machine can hold.</summary>
    public ConfigRules Within(string name, int value, int most, int least = 1)
    {
        if (value < least || value > most) _problems.Add($"model.{name} is {value}: it must be between {least} and {most}.");
        return this;
    }

    public ConfigRules Positive(string name, double value, string usual)
    {
        if (!(value > 0) || !double.IsFinite(value)) _problems.Add($"model.{name} is {value}: it must be above 0. {usual}");
        return this;
    }

    public ConfigRules Require(bool holds, string problem)
    {
        if (!holds) _problems.Add(problem);
        return this;
    }

    /// <summary>The sizes every decoder has.</summary>
    public ConfigRules Sizes(int vocabSize, int dModel, int layers, int contextLength) => Within("vocabSize", vocabSize, 1 << 22)
        .Within("dModel", dModel, 1 << 17).Within("layers", layers, 1024).Within("contextLength", contextLength, 1 << 24);

    /// <summary>Query heads, the key-value heads they share, and their width.</summary>
    public ConfigRules HeadSizes(int heads, int kvHeads, int headDim) =>
        Within("heads", heads, 1024).Within("kvHeads", kvHeads, 1024).Within("headDim", headDim, 1024);

    /// <summary>How they must fit each other; asked when each is a size.</summary>
    public ConfigRules HeadsFit(int heads, int kvHeads, int headDim, bool rotary)
    {
        if (heads % kvHeads != 0)
        {
            _problems.Add($"model.kvHeads is {kvHeads} but heads is {heads}: heads must be a multiple of kvHeads. Try kvHeads " +
                $"{Enumerable.Range(1, Math.Min(heads, kvHeads)).Last(h => heads % h == 0)}.");
        }
        if (rotary && headDim % 2 != 0)
        {
            _problems.Add($"model.headDim is {headDim}: rotary positions turn pairs, so it must be even. Try {headDim + 1}.");
        }
        return this;
    }

    public ConfigRules Mixture(MixtureConfig? experts)
    {
        if (experts is null) return this;
        Within("experts.count", experts.Count, 1024).Within("experts.topK", experts.TopK, 1024);
        return Require(
            experts.TopK <= experts.Count,
            $"model.experts.topK is {experts.TopK} but there are {experts.Count} experts: a token cannot go to more than there are. Try "
                + $"topK 2."
        );
    }
}
