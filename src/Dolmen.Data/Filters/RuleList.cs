using System.Collections.Concurrent;

namespace Dolmen.Data.Filters;

/// <summary>A family's rules, made once for each set of thresholds. A rule whose threshold nothing can break is left out.</summary>
internal sealed class RuleList(string family, Action<RuleList.Adder, LanguageThresholds> build)
{
    private readonly ConcurrentDictionary<string, IReadOnlyList<Rule>> _rules = new(StringComparer.Ordinal);

    /// <summary>A threshold that leaves a rule out.</summary>
    public const double Off = double.PositiveInfinity;

    public IReadOnlyList<Rule> For(string language)
    {
        var thresholds = LanguageThresholds.For(language);
        if (_rules.TryGetValue(thresholds.Language, out var rules)) return rules;
        var adder = new Adder(family);
        build(adder, thresholds);
        return _rules.GetOrAdd(thresholds.Language, adder.Rules);
    }

    internal sealed class Adder(string family)
    {
        public List<Rule> Rules { get; } = [];

        public void AtLeast(string key, int measure, double threshold)
        {
            if (double.IsFinite(threshold)) Rules.Add(new($"{family}.{key}", measure, Limit.AtLeast, threshold));
        }

        public void AtMost(string key, int measure, double threshold)
        {
            if (double.IsFinite(threshold)) Rules.Add(new($"{family}.{key}", measure, Limit.AtMost, threshold));
        }
    }
}
