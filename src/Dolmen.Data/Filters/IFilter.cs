namespace Dolmen.Data.Filters;

/// <summary>A family of rules: it measures a document once, and its rules compare what was measured with thresholds that may differ by
/// language. Measurements are stored for every document, dropped or not, so that other thresholds can be tried without reading anything
/// again.
/// Instances are shared by all threads and hold no state.</summary>
internal interface IFilter
{
    /// <summary>Its key below <c>filters</c> in a recipe, camelCase.</summary>
    string Name { get; }

    /// <summary>Names of what it measures, snake_case with the family first, such as <c>gopher_quality_words</c>: the columns'
    /// names.</summary>
    IReadOnlyList<string> Measures { get; }

    /// <summary>The text it measures, which may be less than it was given (lines dropped): what later filters and the corpus see.</summary>
    TextView Edit(TextView text, string language) => text;

    /// <param name="values">One value for each of <see cref="Measures"/>, NaN for one that does not apply.</param>
    void Measure(TextView text, string language, Span<double> values);

    /// <summary>The rules in the order in which they are asked; the first that breaks is the document's reason.</summary>
    IReadOnlyList<Rule> Rules(string language);
}
