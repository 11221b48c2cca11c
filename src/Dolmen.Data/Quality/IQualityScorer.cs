namespace Dolmen.Data.Quality;

/// <summary>What can say how good a text is: our own classifier, or any other model of texts. Safe to call from many threads at
/// once.</summary>
internal interface IQualityScorer
{
    /// <summary>0 to 1, more is better; NaN when nothing can be said.</summary>
    double Score(ReadOnlySpan<char> text, string language);
}
