namespace Dolmen.Data.Filters;

/// <summary>A text cut into lines, paragraphs and words once, for all filters and for MinHash.</summary>
internal sealed class TextView
{
    public required string Text { get; init; }
}
