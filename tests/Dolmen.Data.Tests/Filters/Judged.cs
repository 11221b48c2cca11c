using Dolmen.Data.Filters;

namespace Dolmen.Tests.Data.Filters;

/// <summary>What one family makes of one text.</summary>
internal static class Judged
{
    public static double[] Measures(IFilter filter, string text, string language = "en")
    {
        using var view = TextView.Of(text, language);
        var edited = filter.Edit(view, language);
        var values = new double[filter.Measures.Count];
        filter.Measure(edited, language, values);
        if (!ReferenceEquals(edited, view)) edited.Dispose();
        return values;
    }

    public static double Value(IFilter filter, string measure, string text, string language = "en") =>
        Measures(filter, text, language)[filter.Measures.ToList().IndexOf(measure)];

    /// <summary>The reason of the first rule that breaks, null for a text that is kept.</summary>
    public static string? By(IFilter filter, string text, string language = "en")
    {
        var values = Measures(filter, text, language);
        foreach (var rule in filter.Rules(language))
        {
            if (rule.Breaks(values[rule.Measure])) return rule.Reason;
        }
        return null;
    }

    public static string Edited(IFilter filter, string text, string language = "en")
    {
        using var view = TextView.Of(text, language);
        return filter.Edit(view, language).Text;
    }

    public static string[] Words(string text, string language)
    {
        using var view = TextView.Of(text, language);
        return view.Words.ToArray().Select(word => view.Of(word).ToString()).ToArray();
    }

    public static string Repeat(string text, int times) => string.Concat(Enumerable.Repeat(text, times));
}
