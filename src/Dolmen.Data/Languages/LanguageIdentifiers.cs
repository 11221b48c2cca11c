namespace Dolmen.Data.Languages;

internal static class LanguageIdentifiers
{
    private static readonly ILanguageIdentifier Unknown = new Nothing();

    private sealed class Nothing : ILanguageIdentifier { public LanguageGuess Identify(ReadOnlySpan<char> text) => new("en", 1); }

    /// <param name="path">A fastText model whose labels are languages, such as lid.176.ftz.</param>
    public static ILanguageIdentifier Load(string? path) => path is null ? Unknown : new FastTextIdentifier(FastTextModel.Load(path));
}
