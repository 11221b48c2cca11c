using Dolmen.Data.Filters;

namespace Dolmen.Data.Quality.Perplexity;

/// <summary>Texts a model trained on good ones finds too strange, or too easy (lists, templates), after CCNet (Wenzek et al.
/// 2020).</summary>
/// <param name="model">Null where nothing is measured and only the rules are asked for.</param>
/// <param name="max">The highest perplexity kept. Infinity keeps all and is not listed as a rule, as a <paramref name="min"/> of 0 is not;
/// the perplexity is recorded anyway.</param>
internal sealed class PerplexityFilter(IPerplexity? model, double min = 0, double max = double.PositiveInfinity) : IFilter
{
    private readonly Rule[] _rules =
    [
        .. double.IsFinite(max) ? [new Rule("perplexity.max", 0, Limit.AtMost, max)] : (Rule[])[],
        .. min > 0 ? [new Rule("perplexity.min", 0, Limit.AtLeast, min)] : (Rule[])[],
    ];

    public string Name => "perplexity";

    public IReadOnlyList<string> Measures { get; } = ["perplexity"];

    public void Measure(TextView text, string language, Span<double> values) => 
        values[0] = model?.Of(text.Text) ?? throw new InvalidOperationException("There is no model to measure with.");

    public IReadOnlyList<Rule> Rules(string language) => _rules;
}
