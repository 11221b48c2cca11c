namespace Dolmen.Data.Filters;

/// <summary>The families that judge texts; null leaves one out. A threshold that is null is the language's, or the family's
/// default.</summary>
internal sealed record FilterSettings(
    LengthSettings? Length = null, GopherRepetitionSettings? GopherRepetition = null, GopherQualitySettings? GopherQuality = null,
    C4Settings? C4 = null, LinesSettings? Lines = null, C4ParagraphSettings? C4Paragraph = null,
    FineWebQualitySettings? FineWebQuality = null, BadWordsSettings? BadWords = null)
{
    /// <summary>The families FineWeb has.</summary>
    public static FilterSettings FineWeb { get; } = new(new(), new(), new(), new(), FineWebQuality: new());
}

internal static class FilterSet
{
    /// <summary>Builds the filters in FineWeb's order: those that drop lines come before those that measure the rest.</summary>
    public static IReadOnlyList<IFilter> Create(FilterSettings settings)
    {
        var filters = new List<IFilter>();
        if (settings.Length is { } length) filters.Add(new Length(length));
        if (settings.GopherRepetition is { } repetition) filters.Add(new GopherRepetition(repetition));
        if (settings.GopherQuality is { } quality) filters.Add(new GopherQuality(quality));
        if (settings.C4 is { } c4) filters.Add(new C4(c4));
        if (settings.Lines is { } lines) filters.Add(new Lines(lines));
        if (settings.C4Paragraph is { } paragraphs) filters.Add(new C4Paragraph(paragraphs));
        if (settings.FineWebQuality is { } fineWeb) filters.Add(new FineWebQuality(fineWeb));
        if (settings.BadWords is { } badWords) filters.Add(new BadWords(badWords));
        return filters;
    }
}
