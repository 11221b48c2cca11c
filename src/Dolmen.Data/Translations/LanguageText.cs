namespace Dolmen.Data.Translations;

/// <summary>The same text in several languages.</summary>
/// <param name="Layout">How the folder was read: lines, flores, ntrex, udhr or massive.</param>
/// <param name="Languages">By code; sentence i of each says the same.</param>
public sealed record ParallelText(string Layout, IReadOnlyList<LanguageText> Languages);

/// <summary>One language of a parallel text.</summary>
/// <param name="Code">As the files name it: ko, eng_Latn, cmn_hans.</param>
/// <param name="Name">Empty where the files do not say.</param>
/// <param name="Sentences">White space or nothing where the language has none.</param>
/// <param name="Files">Where each file's sentences end, and whether a line break follows the last.</param>
public sealed record LanguageText(string Code, string Name, IReadOnlyList<string> Sentences, IReadOnlyList<(int End, bool Break)> Files)
{
    public bool Has(int sentence) => !string.IsNullOrWhiteSpace(Sentences[sentence]);

    /// <summary>The files as one text: a space for every line break, and one between files.</summary>
    public string Running()
    {
        var start = 0;
        var files = new List<string>(Files.Count);
        foreach (var (end, hasBreak) in Files)
        {
            files.Add(string.Join(' ', Sentences.Take(start..end)) + (hasBreak ? " " : ""));
            start = end;
        }
        return string.Join(' ', files);
    }
}
