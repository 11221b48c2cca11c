using Dolmen.Data.Filters;

namespace Dolmen.Data.Quality;

/// <summary>A model's opinion of the text, as a column of the corpus and, with a threshold, as a rule.</summary>
/// <param name="scorer">Null where nothing is measured and only the rules are asked for.</param>
/// <param name="minScore">0 keeps everything and still records the score.</param>
/// <param name="maxScore">For a model of what is not wanted.</param>
internal sealed class QualityClassifier(IQualityScorer? scorer, double minScore = 0, double? maxScore = null) : IFilter
{
    private readonly Rule[] _rules = maxScore is { } most
        ? [new Rule("quality.min", 0, Limit.AtLeast, minScore), new Rule("quality.max", 0, Limit.AtMost, most)]
        : [new Rule("quality.min", 0, Limit.AtLeast, minScore)];

    public string Name => "quality";

    public IReadOnlyList<string> Measures { get; } = ["quality_score"];

    public void Measure(TextView text, string language, Span<double> values) => 
        values[0] = scorer?.Score(text.Text, language) ?? throw new InvalidOperationException("There is no model to measure with.");

    public IReadOnlyList<Rule> Rules(string language) => _rules;
}
