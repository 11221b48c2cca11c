using System.Text.RegularExpressions;

namespace Dolmen.Data.Translations;

/// <summary>NTREX-128, and newstest files of WMT: newstest2019-src.eng.txt and newstest2019-ref.kor.txt.</summary>
internal static partial class NtrexFiles
{
    public static FoundTexts? Find(string folder)
    {
        foreach (var root in Directory.GetDirectories(folder).Order(StringComparer.Ordinal).Prepend(folder))
        {
            var languages = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (var file in Directory.GetFiles(root, "*.txt").Order(StringComparer.Ordinal))
            {
                // Where a language is both source and reference, the source is the original.
                if (
                    Name().Match(Path.GetFileName(file)) is { Success: true } name
                    && (name.Groups["side"].Value == "src" || !languages.ContainsKey(name.Groups["code"].Value))
                )
                    languages[name.Groups["code"].Value] = file;
            }
            if (languages.Count > 0)
                return new FoundTexts(
                    "ntrex",
                    [.. languages.Select(language => new LanguageFiles(language.Key, [language.Value]))],
                    LineFiles.Read
                );
        }
        return null;
    }

    [GeneratedRegex(
        @"^[A-Za-z0-9]+-(?<side>src|ref)\.(?<code>[A-Za-z]{2,3}([-_][A-Za-z0-9]+)*)\.txt$",
        RegexOptions.None,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex Name();
}
