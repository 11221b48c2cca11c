using Dolmen.Data.Filters;

namespace Dolmen.Data.Quality;

/// <summary>A model's opinion of the text, as a column of the corpus and, with a threshold, as a rule.</summary>
/// <param name="minScore">0 keeps everything and still records the score.</param>
internal sealed class QualityClassifier(IQualityScorer scorer, double minScore = 0) : IFilter
{
    private readonly Rule[] _rules = [new Rule("quality.min", 0, Limit.AtLeast, minScore)];

    public string Name => "quality";

    public IReadOnlyList<string> Measures { get; } = ["quality_score"];

    public void Measure(TextView text, string language, Span<double> values) => values[0] = scorer.Score(text.Text, language);

    public IReadOnlyList<Rule> Rules(string language) => _rules;
}
