namespace Dolmen.Data.Languages;

internal static class LanguageIdentifiers
{
    /// <param name="path">A fastText model whose labels are languages, such as lid.176.ftz.</param>
    public static ILanguageIdentifier Load(string path) => new FastTextIdentifier(FastTextModel.Load(path));
}
