using Dolmen.Data.Cleaning;
using Dolmen.Data.Filters;
using Dolmen.Tables;

namespace Dolmen.Data.Reports;

/// <summary>A recipe's rules on rows of measurements, column by column: the rules of a language once, and only the columns they look
/// at.</summary>
internal sealed class RowRules
{
    private readonly MeasureSet _measures;
    private readonly HashSet<string>? _keep;
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, LanguageRules> _rules = new(StringComparer.Ordinal);

    public RowRules(CleaningRecipe recipe)
    {
        _measures = MeasureSet.Create(recipe);
        _keep = recipe.Language.Keep is { Count: > 0 } keep ? keep.ToHashSet(StringComparer.Ordinal) : null;
    }

    public IReadOnlyList<string> Names => _measures.Names;

    /// <summary>First parts of the reasons that rules on measurements give.</summary>
    public IEnumerable<string> Families => ["language", .. _measures.Filters.Select(filter => filter.Name), "decontaminate"];

    public LanguageRules For(string language) =>
        _rules.GetOrAdd(language, key => new LanguageRules(_keep?.Contains(key) != false, [.. _measures.Rules(key)]));
}

/// <param name="Wanted">Whether the recipe keeps the language at all.</param>
internal sealed record LanguageRules(bool Wanted, (int Measure, Rule Rule)[] Rules)
{
    /// <summary>The first rule that a row breaks; as <see cref="MeasureSet.Judge"/> says.</summary>
    public Exclusion? Judge(double[]?[] columns, int row)
    {
        if (!Wanted) return new("language.keep", 0, 1);
        foreach (var (measure, rule) in Rules)
            if (columns[measure] is { } values && rule.Breaks(values[row]))
                return new(rule.Reason, values[row], rule.Threshold);
        return null;
    }
}

/// <summary>A row group of measurements: what decides about its documents.</summary>
internal sealed class MeasuredRows
{
    private readonly ParquetTable _table;
    private readonly int _group;

    private MeasuredRows(ParquetTable table, int group, RowRules rules)
    {
        (_table, _group) = (table, group);
        Language = Texts("language", "und");
        Reason = Texts("reason", "");
        Rules = new LanguageRules[Language.Length];
        Measures = new double[]?[rules.Names.Count];
        var last = "";
        LanguageRules? its = null;
        for (var row = 0; row < Language.Length; row++)
        {
            if (its is null || Language[row] != last)
            {
                its = rules.For(last = Language[row]);
                foreach (var (measure, _) in its.Rules)
                    Measures[measure] ??= table.Numbers(
                        group,
                        table.Find(rules.Names[measure]) ?? throw BuiltCorpus.Lacks(table, rules.Names[measure])
                    );
            }
            Rules[row] = its;
        }
    }

    public int Count => Language.Length;

    public string[] Language { get; }

    /// <summary>As the build decided; empty for a document that was kept.</summary>
    public string[] Reason { get; }

    /// <summary>The rules of each row's language.</summary>
    public LanguageRules[] Rules { get; }

    /// <summary>Columns by index of the measure; null for one that no rule of these languages looks at.</summary>
    public double[]?[] Measures { get; }

    public static MeasuredRows Read(ParquetTable table, int group, RowRules rules) => new(table, group, rules);

    public double[] Numbers(string column) => _table.Numbers(_group, _table.Find(column));

    public string[] Texts(string column, string none) =>
        Array.ConvertAll(_table.Strings(_group, _table.Find(column)), text => text ?? none);
}
