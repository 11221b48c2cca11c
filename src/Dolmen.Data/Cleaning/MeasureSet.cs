using Dolmen.Data.Filters;
using Dolmen.Data.Quality;
using Dolmen.Data.Quality.Perplexity;

namespace Dolmen.Data.Cleaning;

/// <summary>What is measured of every document, and the rules that judge it: the language's confidence, then each family of filters.</summary>
internal sealed class MeasureSet
{
    public const string LanguageScore = "language_score", ContaminatedShare = "contaminated_share";

    private readonly LanguageSettings _language;
    private readonly HashSet<string>? _languages;
    private readonly int[] _firsts;
    private readonly double _maxShare;

    private MeasureSet(CleaningRecipe recipe, IReadOnlyList<IFilter> filters)
    {
        (_language, Filters) = (recipe.Language, filters);
        _languages = recipe.Language.Keep is { Count: > 0 } keep ? keep.ToHashSet(StringComparer.Ordinal) : null;
        var names = new List<string> { LanguageScore };
        _firsts = new int[filters.Count];
        for (var i = 0; i < filters.Count; i++)
        {
            _firsts[i] = names.Count;
            names.AddRange(filters[i].Measures);
        }
        _maxShare = recipe.Decontaminate?.MaxShare ?? 0;
        if (recipe.Decontaminate is not null) names.Add(ContaminatedShare);
        Names = names;
    }

    public IReadOnlyList<IFilter> Filters { get; }

    /// <summary>Columns of measurements.</summary>
    public IReadOnlyList<string> Names { get; }

    public int FirstOf(int filter) => _firsts[filter];

    public static MeasureSet Create(CleaningRecipe recipe)
    {
        var filters = new List<IFilter>(FilterSet.Create(recipe.Filters));
        if (recipe.Quality is { } quality) filters.Add(new QualityClassifier(QualityModel.Load(quality.Model), quality.Min ?? 0));
        if (recipe.Perplexity is { } perplexity)
            filters.Add(new PerplexityFilter(NgramModel.Load(perplexity.Model), perplexity.Min ?? 0, perplexity.Max ?? double.PositiveInfinity));
        return new MeasureSet(recipe, filters);
    }

    /// <summary>The first rule a document breaks, or null. What was not measured breaks nothing.</summary>
    public Exclusion? Judge(string language, ReadOnlySpan<double> measures)
    {
        if (_languages is not null && !_languages.Contains(language)) return new("language.keep", 0, 1);
        var least = MinScore(language);
        if (measures[0] < least) return new("language.minScore", measures[0], least);
        for (var i = 0; i < Filters.Count; i++)
            foreach (var rule in Filters[i].Rules(language))
                if (measures[_firsts[i] + rule.Measure] is var value && rule.Breaks(value))
                    return new(rule.Reason, value, rule.Threshold);
        return IsDecontaminated && Contaminated.Breaks(measures[^1]) ? new(Contaminated.Reason, measures[^1], _maxShare) : null;
    }

    /// <summary>All rules of a language with the index of the measure each looks at, in the order in which they are asked.</summary>
    public IEnumerable<(int Measure, Rule Rule)> Rules(string language)
    {
        yield return (0, new Rule("language.minScore", 0, Limit.AtLeast, MinScore(language)));
        for (var i = 0; i < Filters.Count; i++)
            foreach (var rule in Filters[i].Rules(language)) yield return (_firsts[i] + rule.Measure, rule);
        if (IsDecontaminated) yield return (Names.Count - 1, Contaminated);
    }

    private bool IsDecontaminated => Names[^1] == ContaminatedShare;

    private Rule Contaminated => new("decontaminate.maxShare", 0, Limit.AtMost, _maxShare);

    private double MinScore(string language) => _language.MinScore ?? LanguageThresholds.For(language).LanguageScore ?? 0;
}
