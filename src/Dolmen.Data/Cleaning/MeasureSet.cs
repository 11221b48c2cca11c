using Dolmen.Data.Filters;
using Dolmen.Data.Quality;
using Dolmen.Data.Quality.Perplexity;

namespace Dolmen.Data.Cleaning;

/// <summary>What is measured of every document, and the rules that judge it: the language's confidence, what was cut, then each family of
/// filters.</summary>
internal sealed class MeasureSet
{
    public const string LanguageScore = "language_score", MixedShare = "language_mixed_share", ContaminatedShare = "contaminated_share";

    private readonly LanguageSettings _language;
    private readonly HashSet<string>? _languages;
    private readonly int[] _firsts;
    private readonly Rule[] _cut, _mixed, _contaminated;

    private MeasureSet(CleaningRecipe recipe, IReadOnlyList<IFilter> filters)
    {
        (_language, Filters) = (recipe.Language, filters);
        _languages = recipe.Language.Keep is { Count: > 0 } keep ? keep.ToHashSet(StringComparer.Ordinal) : null;
        var names = new List<string> { LanguageScore };
        if (recipe.Language.Mixed is { } mixed)
        {
            MixedAt = names.Count;
            names.Add(MixedShare);
            _mixed = mixed.Max is { } most ? [new("language.mixed.max", MixedAt, Limit.AtMost, most)] : [];
        }
        else
        {
            _mixed = [];
        }
        _firsts = new int[filters.Count];
        for (var i = 0; i < filters.Count; i++)
        {
            _firsts[i] = names.Count;
            names.AddRange(filters[i].Measures);
        }
        _cut = [];
        if (recipe.Dedup is { Cuts: true } dedup)
        {
            CutAt = names.Count;
            names.AddRange(CutNames);
            _cut = [new("dedup.minCharsLeft", CutAt + CutNames.Count - 1, Limit.AtLeast, dedup.MinCharsLeft)];
            if (dedup.MaxCutFraction is { } most)
                _cut = [.. _cut, new("dedup.maxCutFraction", CutAt + CutNames.Count - 2, Limit.AtMost, most)];
        }
        _contaminated = [];
        if (recipe.Decontaminate is { } decontaminate)
        {
            ContaminatedAt = names.Count;
            names.Add(ContaminatedShare);
            _contaminated = [new("decontaminate.maxShare", ContaminatedAt, Limit.AtMost, decontaminate.MaxShare)];
        }
        Names = names;
    }

    public IReadOnlyList<IFilter> Filters { get; }

    /// <summary>Columns of measurements.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Indexes of measures that the recipe may do without, −1 then.</summary>
    public int MixedAt { get; } = -1;

    public int ContaminatedAt { get; } = -1;

    /// <summary>The first of <see cref="CutNames"/>.</summary>
    public int CutAt { get; } = -1;

    /// <summary>What repeats over the corpus and was cut; the characters left are only those of a document of which something
    /// was.</summary>
    public static IReadOnlyList<string> CutNames { get; } =
    ["cut_lines", "cut_paragraphs", "cut_passages", "cut_fraction", "cut_chars_left"];

    public int FirstOf(int filter) => _firsts[filter];

    /// <param name="models">What scores texts; null for the rules alone.</param>
    public static MeasureSet Create(CleaningRecipe recipe, ScoringModels? models = null)
    {
        var filters = new List<IFilter>(FilterSet.Create(recipe.Filters));
        if (recipe.Quality is { } quality) filters.Add(new QualityClassifier(models?.Quality, quality.Min ?? 0, quality.Max));
        if (recipe.Perplexity is { } perplexity)
            filters.Add(new PerplexityFilter(models?.Perplexity, perplexity.Min ?? 0, perplexity.Max ?? double.PositiveInfinity));
        return new MeasureSet(recipe, filters);
    }

    /// <summary>The first rule a document breaks, or null. What was not measured breaks nothing.</summary>
    public Exclusion? Judge(string language, ReadOnlySpan<double> measures)
    {
        if (_languages is not null && !_languages.Contains(language)) return new("language.keep", 0, 1);
        foreach (var (measure, rule) in Rules(language))
            if (rule.Breaks(measures[measure])) return new(rule.Reason, measures[measure], rule.Threshold);
        return null;
    }

    /// <summary>All rules of a language with the index of the measure each looks at, in the order in which they are asked.</summary>
    public IEnumerable<(int Measure, Rule Rule)> Rules(string language)
    {
        yield return (0, new Rule("language.minScore", 0, Limit.AtLeast, MinScore(language)));
        foreach (var rule in _cut) yield return (rule.Measure, rule);
        foreach (var rule in _mixed) yield return (rule.Measure, rule);
        for (var i = 0; i < Filters.Count; i++)
            foreach (var rule in Filters[i].Rules(language)) yield return (_firsts[i] + rule.Measure, rule);
        foreach (var rule in _contaminated) yield return (rule.Measure, rule);
    }

    private double MinScore(string language) => _language.MinScore ?? LanguageThresholds.For(language).LanguageScore ?? 0;
}
