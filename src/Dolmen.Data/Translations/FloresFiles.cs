using Dolmen.Artifacts;

namespace Dolmen.Data.Translations;

/// <summary>FLORES-200: dev/eng_Latn.dev and devtest/eng_Latn.devtest, with or without a folder around them.</summary>
internal static class FloresFiles
{
    private static readonly string[] Splits = ["dev", "devtest", "test"];

    public static FoundTexts? Find(string folder)
    {
        foreach (var root in Directory.GetDirectories(folder).Order(StringComparer.Ordinal).Prepend(folder))
        {
            var splits = Splits.Where(split => Files(root, split).Length > 0).ToList();
            if (splits.Count > 0) return new FoundTexts("flores", Languages(root, splits), LineFiles.Read);
        }
        return null;
    }

    private static List<LanguageFiles> Languages(string root, IReadOnlyList<string> splits)
    {
        var codes = splits
            .SelectMany(split => Files(root, split))
            .Select(file => Path.GetFileNameWithoutExtension(file))
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal);
        return
        [
            .. codes.Select(code => new LanguageFiles(
                code,
                [.. splits.Select(split => Existing(Path.Combine(root, split, $"{code}.{split}"), code))]
            )),
        ];
    }

    private static string[] Files(string root, string split) =>
        Directory.Exists(Path.Combine(root, split)) ? Directory.GetFiles(Path.Combine(root, split), $"*.{split}") : [];

    private static string Existing(string path, string code) =>
        File.Exists(path)
            ? path
            : throw new UserErrorException(
                $"{path} is missing although {code} is in another split: every language needs all splits. Extract the archive again, or "
                    + $"name one split's folder with --input."
            );
}
