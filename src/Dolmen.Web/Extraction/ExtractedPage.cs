namespace Dolmen.Web.Extraction;

/// <param name="Text">Markdown: headings, lists, quotes, tables and code keep their form.</param>
/// <param name="Date">When it was published, ISO 8601; empty when the page does not say.</param>
/// <param name="Language">Primary subtag of what the page says its language is, lower case; empty when it does not.</param>
public sealed record ExtractedPage(string Text, string Title, string Date, string Language, string CanonicalUrl, string Author);
