namespace Dolmen.Data.Languages;

internal static class LanguageIdentifiers
{
    /// <param name="path">A fastText model whose labels are languages, such as lid.176.ftz; without one, the scripts and Lingua
    /// decide.</param>
    public static ILanguageIdentifier Load(string? path = null) =>
        path is null ? new LinguaIdentifier() : new FastTextIdentifier(FastTextModel.Load(path));
}
